import Distributed

/// Which part of a model training changes.
public enum TrainableParameters: Sendable {
  case all
  /// The head's weight and bias.
  case head
  /// All but the head.
  case backbone

  /// The ranges of the flat parameter vector.
  func ranges(head: Linear, count: Int) -> [Range<Int>] {
    let headRange = head.weight.offset..<head.bias.range.upperBound
    switch self {
    case .all: return [0..<count]
    case .head: return [headRange]
    case .backbone: return [0..<headRange.lowerBound, headRange.upperBound..<count]
    }
  }
}

/// One data-parallel training step: forward, loss, backward, sum over ranks, update.
public struct TrainStep {
  /// The network, with its parameters.
  public let model: ResNet18
  /// Holds the momentum.
  public let optimizer: SGD
  /// The loss on the logits.
  public let loss: CrossEntropy
  /// FST's term and the head's constraint; nil in attack training.
  public let penalty: FeatureShiftPenalty?
  /// What is changed.
  public let trainable: TrainableParameters
  /// The ranks that train together.
  public let communicator: any Communicator
  /// Threads and scratch memory.
  public let context: ComputeContext

  /// Takes the time of each part of a step.
  public let timer = StepTimer()

  private let gradientReducer: GradientReducer
  private let logitsGradient: FloatBuffer

  /// A step for batches of up to `largestShare` images on this rank.
  public init(
    model: ResNet18, optimizer: SGD, loss: CrossEntropy, penalty: FeatureShiftPenalty? = nil,
    trainable: TrainableParameters = .all, largestShare: Int, communicator: any Communicator,
    context: ComputeContext
  ) {
    self.model = model
    self.optimizer = optimizer
    self.loss = loss
    self.penalty = penalty
    self.trainable = trainable
    self.communicator = communicator
    self.context = context
    let (plan, gradients) = (model.store.plan, model.store.gradients)
    let reached = trainable == .head ? [model.head.weight, model.head.bias] : plan.parameters
    gradientReducer = GradientReducer(
      communicator: communicator, gradients: gradients,
      plan: BucketPlan(
        sizesInReadyOrder: reached.reversed().map(\.count), endingAt: gradients.count))
    logitsGradient = FloatBuffer(count: largestShare * model.head.outputs)
  }

  /// The plan by which gradients are summed over the ranks.
  public var bucketPlan: BucketPlan { gradientReducer.plan }

  /// What the last step's communication came to; empty with shared BatchNorm statistics.
  public var communication: GradientReducer.Report { gradientReducer.report }

  /// What a step amounts to on this rank.
  public struct Result: Sendable {
    /// Losses and predictions of this rank's images.
    public var crossEntropy: CrossEntropy.Result
    /// FST's term before the update, 0 without it.
    public var penalty: Double
  }

  /// Moves the parameters once along `batch`; they have the same bits on all ranks afterwards.
  public func run(_ batch: Batch, learningRate: Double) throws -> Result {
    try timer.measureStep { try move(along: batch, learningRate: learningRate) }
  }

  private func move(along batch: Batch, learningRate: Double) throws -> Result {
    let store = model.store
    store.clearGradients(wide: context.sharesStatistics)
    var result = Result(crossEntropy: CrossEntropy.Result(), penalty: 0)
    if let penalty, penalty.alpha != 0 {
      result.penalty = penalty.value(head: model.head, of: store)
      if communicator.rank == 0 { penalty.addGradient(head: model.head, of: store) }
    }
    if context.sharesStatistics {
      result.crossEntropy = try sharingForwardAndBackward(batch)
    } else {
      result.crossEntropy = try reducingForwardAndBackward(batch)
    }
    timer.measure(.update) {
      for range in trainable.ranges(head: model.head, count: store.values.count) {
        optimizer.step(store, range: range, learningRate: learningRate, context: context)
      }
      penalty?.project(head: model.head, of: store)
    }
    return result
  }

  /// With BatchNorm statistics of all ranks: gradients are summed after backward.
  ///
  /// A rank without images still joins the others' BatchNorm sums.
  private func sharingForwardAndBackward(_ batch: Batch) throws -> CrossEntropy.Result {
    let waited = context.waited
    context.imageShards = shards(of: batch)
    let result = forwardAndBackward(batch) {}
    try context.check()
    timer.gradientsReady(waited: context.waited - waited)
    try timer.measure(.wait) {
      try model.store.reduceWideGradients { try communicator.allReduceSum(&$0) }
    }
    return result
  }

  /// Sums gradients and running statistics over the ranks while backward runs.
  private func reducingForwardAndBackward(_ batch: Batch) throws -> CrossEntropy.Result {
    let (store, reducer) = (model.store, gradientReducer)
    let batchesTracked = store.batchesTracked
    context.imageShards = nil
    reducer.begin()
    store.gradientIsFinal = { reducer.markReady($0.range) }
    defer { store.gradientIsFinal = nil }
    var result = CrossEntropy.Result()
    let addStatistics = {
      addRunningStatistics(share: Double(batch.count) / Double(batch.globalCount))
    }
    if batch.count > 0 {
      result = forwardAndBackward(batch, between: addStatistics)
    } else {
      addStatistics()
      reducer.markAllReady()
      store.batchesTracked = batchesTracked.map { $0 + 1 }
    }
    timer.gradientsReady(waited: .zero)
    try timer.measure(.wait) { try reducer.finish() }
    for (name, times) in reducer.report.buckets {
      timer.communicated(name, from: times.begun, to: times.ended)
    }
    return result
  }

  /// The shards of the global batch that lie in this rank's share, as ranges of that share.
  private func shards(of batch: Batch) -> [Range<Int>] {
    let (total, world) = (batch.globalCount, communicator.worldSize)
    let start = communicator.rank * total / world
    let bounds = (0...ComputeContext.shardCount).map { $0 * total / ComputeContext.shardCount }
    return zip(bounds, bounds.dropFirst()).compactMap { lower, upper in
      let first = max(lower - start, 0)
      let end = min(upper - start, batch.count)
      return first < end ? first..<end : nil
    }
  }

  private func forwardAndBackward(
    _ batch: Batch, between: () -> Void
  ) -> CrossEntropy.Result {
    var shape = model.inputShape
    shape.batch = batch.count
    let (result, gradient) = timer.measure(.forward) {
      let logits = model.forward(
        Tensor(shape, in: batch.images), mode: .training, context: context)
      between()
      let gradient = Tensor(logits.shape, in: logitsGradient)
      let result = loss.evaluate(
        logits, labels: batch.labels, globalCount: batch.globalCount, gradient: gradient)
      return (result, gradient)
    }
    timer.measure(.backward) {
      model.backward(
        gradient, extent: trainable == .head ? .head : .all, context: context)
    }
    return result
  }

  /// Begins to make running statistics the mean over the ranks, weighted by their images.
  ///
  /// Each rank's batch moved its own, in forward; DDP would keep rank 0's alone, the mean uses what
  /// all have seen. They travel first, since backward does not touch them.
  private func addRunningStatistics(share: Double) {
    guard communicator.worldSize > 1 else { return }
    let buffers = model.store.buffers
    let factor = Float(share)
    for index in 0..<buffers.count { buffers.pointer[index] *= factor }
    gradientReducer.add(buffers, named: "running statistics")
  }
}
