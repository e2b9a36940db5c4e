import Core
import Distributed
import Testing

/// Training whose last layers move in the next step's forward, against the same without that.
@Suite struct DeferredUpdateTests {
  /// A cap of buckets, in bytes, with which a network of width 16 defers some, and one with which
  /// it defers none.
  private static let (small, large) = (64 << 10, 64 << 20)

  /// Large arrays are compared outside of `#expect`, which would describe them for minutes.
  private struct State: Sendable {
    /// Parameters after the last step, as whoever does not settle would see them.
    var unsettled: [Float] = []
    /// The same at the end, settled.
    var settled: [Float] = []
    var momentum: [Float] = []
    var losses: [Double] = []

    var isLagging: Bool { unsettled != settled }
  }

  /// Four steps on each of two ranks; with `batchSize` 1 the first rank has no images.
  private static func train(
    bucketCap: Int, batchSize: Int = 8, parts: Int = 1, settlesEachStep: Bool = false,
    sharesStatistics: Bool = false
  ) throws -> [State] {
    try LocalGroup.run(worldSize: 2) { communicator in
      let model = Network(
        .resnet18, width: 16, classCount: 10,
        inputShape: Shape(batch: 0, height: 32, width: 32, channels: 3))
      Initializer.initialize(model.store, seed: 0)
      let optimizer = SGD(for: model.store, momentum: 0.9, weightDecay: 5e-4)
      let step = ClassifierStep(
        model: model, optimizer: optimizer, loss: CrossEntropy(), largestShare: batchSize,
        accumulationSteps: parts, bucketCap: bucketCap, communicator: communicator,
        context: ComputeContext(
          threads: 1, batchNormGroup: sharesStatistics ? communicator : nil))
      let loader = BatchLoader(
        images: DataParallelTests.images,
        sampler: ShardedSampler(
          count: DataParallelTests.images.count, batchSize: batchSize, shuffleSeed: 0,
          dropLast: true, worldSize: 2, rank: communicator.rank),
        normalization: .cifar10)
      var state = State()
      for batch in loader.epoch(0) where state.losses.count < 4 {
        // A rate of its own for each step: a deferred update must move at that of its step.
        let rate = 0.1 / Double(state.losses.count + 1)
        let result = try step.run(batch, at: Moment(learningRate: rate))
        state.losses.append(result.crossEntropy.lossSum)
        state.unsettled = model.store.values.array
        if settlesEachStep { try step.settle() }
      }
      try step.settle()
      (state.settled, state.momentum) = (model.store.values.array, optimizer.velocity.array)
      return state
    }
  }

  @Test(arguments: [(8, 1), (8, 2), (1, 1), (3, 4)])
  func everyStepMovesByTheSameBits(batchSize: Int, parts: Int) throws {
    let plain = try Self.train(bucketCap: Self.large, batchSize: batchSize, parts: parts)
    let deferred = try Self.train(bucketCap: Self.small, batchSize: batchSize, parts: parts)
    for (a, b) in zip(plain, deferred) {
      #expect(a.losses == b.losses)
      let isSame = a.settled == b.settled && a.momentum == b.momentum
      #expect(isSame)
      #expect(!a.isLagging)
      #expect(b.isLagging, "nothing was deferred")
    }
  }

  @Test func settlingBetweenStepsChangesNothing() throws {
    let late = try Self.train(bucketCap: Self.small)
    let early = try Self.train(bucketCap: Self.small, settlesEachStep: true)
    for (a, b) in zip(late, early) {
      #expect(a.losses == b.losses)
      let isSame = a.settled == b.settled
      #expect(isSame)
    }
  }

  /// What lags is one range of the last block, below the head, and at most three tenths of all.
  @Test func onlyTheLastBlockLagsBehind() throws {
    let state = try Self.train(bucketCap: Self.small)[0]
    let lagging = state.settled.indices.filter { state.unsettled[$0] != state.settled[$0] }
    let model = Network(
      .resnet18, width: 16, classCount: 10,
      inputShape: Shape(batch: 0, height: 32, width: 32, channels: 3))
    let block = try #require(
      model.store.plan.parameters.first { $0.name.hasPrefix("layer4.1.") })
    #expect(try #require(lagging.first) >= block.offset)
    #expect(try #require(lagging.last) < model.head.weight.offset)
    #expect(10 * lagging.count <= 3 * state.settled.count && lagging.count > 100_000)
  }

  @Test func sharedStatisticsDeferNothing() throws {
    for state in try Self.train(bucketCap: Self.small, sharesStatistics: true) {
      #expect(!state.isLagging)
    }
  }
}
