import Core
import Distributed
import TestSupport
import Testing

/// Dropout inside a training step: what is dropped depends on seed, epoch and image alone.
@Suite struct DropoutDrawsTests {
  private static let images = SyntheticImages().images(count: 12, seed: 0, split: .train)

  /// The parameters after the steps of `epoch` from step `first` on.
  private static func train(
    worldSize: Int = 1, seed: UInt64 = 0, epoch: Int = 0, parts: Int = 1, isShared: Bool = true
  ) throws -> UInt64 {
    try LocalGroup.run(worldSize: worldSize) { communicator in
      let model = Network(
        .vgg19BN, width: 1, classCount: 10,
        inputShape: Shape(batch: 0, height: 32, width: 32, channels: 3))
      Initializer.initialize(model, seed: 0)
      let step = ClassifierStep(
        model: model, optimizer: SGD(for: model.store, momentum: 0.9, weightDecay: 5e-4),
        loss: CrossEntropy(), largestShare: 6, accumulationSteps: parts,
        communicator: communicator,
        context: ComputeContext(threads: 1, batchNormGroup: isShared ? communicator : nil))
      let loader = BatchLoader(
        images: images,
        sampler: ShardedSampler(
          count: images.count, batchSize: 6, shuffleSeed: 0, dropLast: true, worldSize: worldSize,
          rank: communicator.rank),
        normalization: .cifar10, seed: seed)
      for batch in loader.epoch(epoch) {
        _ = try step.run(
          batch, at: Moment(learningRate: 0.05, seed: seed, epoch: epoch))
      }
      try step.settle()
      return Checksum.of(UnsafeRawBufferPointer(model.store.values.bytes))
    }[0]
  }

  @Test func theWorldSizeIsInvisible() throws {
    #expect(try Self.train(worldSize: 2) == Self.train())
  }

  /// Images, their order and the start values are the same: seeds of a loader without augmentation
  /// key dropout alone.
  @Test(arguments: [1, 2]) func seedsDrawDifferently(parts: Int) throws {
    let trained = try [1, 1, 2].map { try Self.train(seed: $0, parts: parts, isShared: false) }
    #expect(trained[0] == trained[1] && trained[0] != trained[2])
  }
}
