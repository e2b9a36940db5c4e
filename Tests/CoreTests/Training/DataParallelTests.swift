import Core
import Distributed
import TestSupport
import Testing

/// Trains a thin network on synthetic images with ranks as threads, and compares what the ranks
/// see.
@Suite struct DataParallelTests {
  /// One rank's view of a short training: the global loss of each step, and the bits after each.
  struct Trace: Sendable {
    var losses: [Double] = []
    var checksums: [UInt64] = []
  }

  static let images = SyntheticImages().images(count: 400, seed: 0, split: .train)

  static func train(
    worldSize: Int, threads: Int = 1, steps: Int, sharesStatistics: Bool, parts: Int = 1,
    kind: NetworkKind = .resnet18, width: Int = 16, learningRate: Double = 0.1,
    compression: GradientCompression = .none,
    powerSGD: PowerSGDSettings = PowerSGDSettings(), repeatsBatch: Bool = false
  ) throws -> [Trace] {
    try LocalGroup.run(worldSize: worldSize) { communicator in
      let model = Network(
        kind, width: width, classCount: 10,
        inputShape: Shape(batch: 0, height: 32, width: 32, channels: 3))
      Initializer.initialize(model.store, seed: 0)
      let step = ClassifierStep(
        model: model, optimizer: SGD(for: model.store, momentum: 0.9, weightDecay: 5e-4),
        loss: CrossEntropy(), largestShare: 20, accumulationSteps: parts,
        compression: compression, powerSGD: powerSGD,
        communicator: communicator,
        context: ComputeContext(
          threads: threads, batchNormGroup: sharesStatistics ? communicator : nil))
      let loader = BatchLoader(
        images: images,
        sampler: ShardedSampler(
          count: images.count, batchSize: 20, shuffleSeed: 0, dropLast: true,
          worldSize: worldSize, rank: communicator.rank),
        normalization: .cifar10, augmentation: Augmentation(padding: 4, flips: true), seed: 0)
      var trace = Trace()
      for batch in loader.epoch(0) where trace.losses.count < steps {
        repeat {
          let result = try step.run(batch, at: Moment(learningRate: learningRate))
          var loss = [result.crossEntropy.lossSum / Double(batch.globalCount)]
          try communicator.allReduceSum(&loss)
          trace.losses.append(loss[0])
          trace.checksums.append(
            Checksum.of(UnsafeRawBufferPointer(model.store.values.bytes))
              ^ Checksum.of(UnsafeRawBufferPointer(model.store.buffers.bytes)))
        } while repeatsBatch && trace.losses.count < steps
      }
      return trace
    }
  }

  /// The learning rate makes this training chaotic: one bit of difference would show within ten
  /// steps.
  @Test(arguments: [(1, 2), (2, 1), (2, 2), (3, 1), (4, 1), (8, 1)])
  func sharedStatisticsMakeTheWorldSizeInvisible(worldSize: Int, threads: Int) throws {
    let one = try Self.train(worldSize: 1, steps: 20, sharesStatistics: true)[0]
    let many = try Self.train(
      worldSize: worldSize, threads: threads, steps: 20, sharesStatistics: true)[0]
    #expect(many.checksums == one.checksums)
    for (step, (a, b)) in zip(one.losses, many.losses).enumerated() {
      #expect(abs(a - b) <= 1e-12 * a, "step \(step): \(a) on one rank, \(b) on \(worldSize)")
    }
  }

  /// Other blocks; some of mobilenet's statistics and gradients are zero but for rounding, which has
  /// to be the same.
  @Test(arguments: [NetworkKind.mobilenetV3Large, .preactresnet18, .densenet161], [2, 3])
  func theWorldSizeIsInvisibleToOtherNetworks(kind: NetworkKind, worldSize: Int) throws {
    let (one, many) = try (
      Self.train(worldSize: 1, steps: 4, sharesStatistics: true, kind: kind, width: 4)[0],
      Self.train(worldSize: worldSize, steps: 4, sharesStatistics: true, kind: kind, width: 4)[0]
    )
    #expect(many.checksums == one.checksums)
  }

  /// A rank that computes n shares one after the other does what n ranks do at once: BatchNorm's
  /// statistics are those of the same images, and only the order of additions differs.
  @Test(arguments: [2, 4]) func accumulatingPartsEqualsAsManyRanks(parts: Int) throws {
    let ranks = try Self.train(worldSize: parts, steps: 3, sharesStatistics: false)[0]
    let accumulated = try Self.train(
      worldSize: 1, steps: 3, sharesStatistics: false, parts: parts)[0]
    let whole = try Self.train(worldSize: 1, steps: 3, sharesStatistics: false)[0]
    for (step, (a, b)) in zip(ranks.losses, accumulated.losses).enumerated() {
      #expect(abs(a - b) <= 1e-4 * a, "step \(step): \(a) on \(parts) ranks, \(b) in parts")
    }
    #expect(abs(whole.losses[0] - accumulated.losses[0]) > 1e-4, "statistics of the whole batch")
  }

  @Test(arguments: [2, 3], [false, true])
  func accumulatingReplicasAreBitEqual(worldSize: Int, sharesStatistics: Bool) throws {
    let traces = try Self.train(
      worldSize: worldSize, steps: 4, sharesStatistics: sharesStatistics, parts: 3)
    for trace in traces { #expect(trace.checksums == traces[0].checksums) }
  }

  @Test(arguments: [2, 3, 4], [false, true])
  func replicasAreBitEqualAtEveryStep(worldSize: Int, sharesStatistics: Bool) throws {
    let traces = try Self.train(
      worldSize: worldSize, steps: 10, sharesStatistics: sharesStatistics)
    for trace in traces { #expect(trace.checksums == traces[0].checksums) }
  }
}
