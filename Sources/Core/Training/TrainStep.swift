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

  private let reducer: GradientReducer
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
    let sizes = model.store.plan.parameters.map(\.count)
    reducer = GradientReducer(
      communicator: communicator, gradients: model.store.gradients,
      plan: BucketPlan(sizesInReadyOrder: sizes.reversed()))
    logitsGradient = FloatBuffer(count: largestShare * model.head.outputs)
  }

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
    let waited = context.waited
    let isRoot = communicator.rank == 0
    store.clearGradients(wide: context.sharesStatistics)
    context.imageShards = context.sharesStatistics ? shards(of: batch) : nil
    var result = Result(crossEntropy: CrossEntropy.Result(), penalty: 0)
    // A rank without images still joins the others' BatchNorm sums where these are shared.
    if batch.count > 0 || context.sharesStatistics {
      result.crossEntropy = forwardAndBackward(batch)
      try context.check()
    }
    if let penalty, penalty.alpha != 0 {
      result.penalty = penalty.value(head: model.head, of: store)
      if isRoot { penalty.addGradient(head: model.head, of: store) }
    }
    timer.gradientsReady(waited: context.waited - waited)
    try timer.measure(.wait) {
      if context.sharesStatistics {
        try store.reduceWideGradients { try communicator.allReduceSum(&$0) }
      } else {
        try reducer.reduce()
      }
      try averageRunningStatistics(share: Double(batch.count) / Double(batch.globalCount))
    }
    timer.measure(.update) {
      for range in trainable.ranges(head: model.head, count: store.values.count) {
        optimizer.step(store, range: range, learningRate: learningRate, context: context)
      }
      penalty?.project(head: model.head, of: store)
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

  private func forwardAndBackward(_ batch: Batch) -> CrossEntropy.Result {
    var shape = model.inputShape
    shape.batch = batch.count
    let (result, gradient) = timer.measure(.forward) {
      let logits = model.forward(
        Tensor(shape, in: batch.images), mode: .training, context: context)
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

  /// Makes running statistics the mean over the ranks, weighted by their images.
  ///
  /// Each rank's batch moved its own; DDP would keep rank 0's alone, the mean uses what all have
  /// seen. Shared statistics are equal already, but for a rank that had no images and no group.
  private func averageRunningStatistics(share: Double) throws {
    guard communicator.worldSize > 1, !context.sharesStatistics else { return }
    let store = model.store
    let factor = Float(share)
    for index in 0..<store.buffers.count { store.buffers.pointer[index] *= factor }
    try communicator.allReduceSum(store.buffers.floats)
    if share == 0 {
      for index in store.batchesTracked.indices { store.batchesTracked[index] += 1 }
    }
  }
}
