import Core
import Distributed
import TestSupport
import Testing

/// Attacks whose networks learn beside the classifier: the number of ranks does not show.
@Suite struct LoopWorldTests {
  private static let images = SyntheticImages().images(count: 24, seed: 0, split: .train)

  /// The bits of all learners of inputaware after a mask step and two joint ones.
  private static func train(worldSize: Int) throws -> [[UInt64]] {
    try LocalGroup.run(worldSize: worldSize) { communicator in
      let context = ComputeContext(threads: 1, batchNormGroup: communicator)
      let model = Network(
        .resnet18, width: 2, classCount: 10,
        inputShape: Shape(batch: 0, height: 32, width: 32, channels: 3))
      Initializer.initialize(model, seed: 0)
      let networks = PatternNetworks(
        images: model.inputShape, normalization: .cifar10, isTwice: true,
        context: ComputeContext(sharing: context, batchNormGroup: communicator))
      Initializer.initialize(networks.generator.store, seed: 1)
      Initializer.initialize(networks.mask.store, seed: 2)
      let rule = PixelRule(.cifar10, rounds: true)
      func source(_ first: Int) -> (Range<Int>) -> Tensor {
        { positions in
          let values = positions.flatMap { position in
            images.pixels[images.range(of: (first + position) % images.count)].enumerated().map {
              rule.normalized($1, channel: $0 % 3)
            }
          }
          return Tensor(
            Shape(batch: positions.count, height: 32, width: 32, channels: 3),
            in: FloatBuffer(values))
        }
      }
      let pairs = ImagePairs(first: source(0), second: source(12))
      let step = InputAwareStep(
        ClassifierStep(
          model: model, optimizer: SGD(for: model.store, momentum: 0.9, weightDecay: 5e-4),
          loss: CrossEntropy(), largestShare: 12, communicator: communicator, context: context),
        networks: networks, settings: InputAware(),
        poison: LoopPoison(ratio: 0.25, labels: .allToOne(target: 0), seed: 0), maskEpochs: 1
      ) { _ in pairs }
      let (rank, total) = (communicator.rank, 12)
      let own = rank * total / worldSize..<(rank + 1) * total / worldSize
      for epoch in [0, 1, 1] {
        var batch = Batch(
          images: pairs.first(own).buffer, labels: own.map { Int32(images.labels[$0]) },
          indices: Array(own), globalCount: total)
        batch.start = own.lowerBound
        _ = try step.run(batch, at: Moment(learningRate: 0.01, epoch: epoch))
      }
      try step.settle()
      return step.learners.flatMap { learner in
        [learner.store.values, learner.store.buffers].map {
          Checksum.of(UnsafeRawBufferPointer($0.bytes))
        }
      }
    }
  }

  @Test(arguments: [2, 3]) func inputawareLearnsTheSameOnAnyNumberOfRanks(ranks: Int) throws {
    let one = try Self.train(worldSize: 1)[0]
    for sums in try Self.train(worldSize: ranks) { #expect(sums == one) }
  }
}
