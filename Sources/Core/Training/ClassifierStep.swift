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
public final class ClassifierStep: TrainingStep {
  /// The network, with its parameters.
  public let classifier: Network
  /// What moves the classifier.
  public let optimizer: any Optimizer
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

  /// Parts in which a rank's share is computed, one after the other; see `init`.
  public let accumulationSteps: Int
  /// Takes the time of each part of a step.
  public let timer = StepTimer()

  private let reducer: GradientReducer
  private let deferral: DeferredUpdate
  private var logitsGradient: FloatBuffer
  private var partImages: FloatBuffer

  /// A step for batches of up to `largestShare` images on this rank.
  ///
  /// With `accumulationSteps` n, a rank's share is cut into n parts: their gradients are summed
  /// here, and over the ranks once, beside the last part's backward. It takes the memory of a part;
  /// BatchNorm's statistics are each part's own. `compression` is how gradients travel, with
  /// `powerSGD` for that form; shared statistics, whose sums do not depend on the ranks, allow none.
  /// `bucketCap` is in bytes.
  public init(
    model: Network, optimizer: any Optimizer, loss: CrossEntropy,
    penalty: FeatureShiftPenalty? = nil,
    trainable: TrainableParameters = .all, largestShare: Int, accumulationSteps: Int = 1,
    compression: GradientCompression = .none, powerSGD: PowerSGDSettings = PowerSGDSettings(),
    bucketCap: Int = BucketPlan.defaultCap, communicator: any Communicator, context: ComputeContext
  ) {
    precondition(
      compression == .none || !context.sharesStatistics, "compression with shared statistics")
    classifier = model
    self.optimizer = optimizer
    self.loss = loss
    self.penalty = penalty
    self.trainable = trainable
    self.accumulationSteps = accumulationSteps
    self.communicator = communicator
    self.context = context
    let (plan, gradients) = (model.store.plan, model.store.gradients)
    let reached = trainable == .head ? [model.head.weight, model.head.bias] : plan.parameters
    let buckets = BucketPlan(
      reached, endingAt: gradients.count, for: compression, cap: bucketCap)
    // The head is read before forward begins, by FST's term.
    let isDeferring =
      communicator.worldSize > 1 && !context.sharesStatistics && trainable == .all
      && buckets.floats(of: buckets.deferrable).upperBound <= model.head.weight.offset
    let deferred = isDeferring ? buckets.deferrable : 0..<0
    reducer = GradientReducer(
      communicator: communicator, gradients: gradients, plan: buckets, compression: compression,
      powerSGD: powerSGD, deferred: deferred)
    deferral = DeferredUpdate(
      buckets.floats(of: deferred), of: model.store, by: optimizer, reducer: reducer,
      context: context)
    let largestPart = (largestShare + accumulationSteps - 1) / accumulationSteps
    logitsGradient = FloatBuffer(count: largestPart * model.head.outputs)
    partImages = FloatBuffer(
      count: accumulationSteps == 1 ? 0 : model.inputShape.withBatch(largestPart).count)
  }

  /// The plan by which gradients are summed over the ranks.
  public var bucketPlan: BucketPlan { reducer.plan }

  /// What the last step's communication came to, beside deferred parts of the step before; empty
  /// with shared BatchNorm statistics.
  public var communication: GradientReducer.Report { reducer.report }

  /// The classifier alone.
  public var learners: [Learner] {
    [Learner("classifier", store: classifier.store, optimizer: optimizer)]
  }

  /// The plan in words.
  public var bucketLayout: String { bucketPlan.description }

  /// Moves the parameters once along `batch`; they have the same bits on all ranks afterwards.
  ///
  /// Some may lag behind until the next step's forward, or `settle`: see Note [Deferred update].
  public func run(_ batch: Batch, at moment: Moment) throws -> StepOutcome {
    try timer.measureStep {
      let moved = try move(along: [ClassifierPass(batch)], at: moment)
      return StepOutcome(moved.results[0], penalty: moved.penalty, batch: batch)
    }
  }

  /// Moves the parameters once along the weighted sum of the losses of `passes`, taken in order;
  /// what each came to.
  func run(_ passes: [ClassifierPass], at moment: Moment) throws -> [CrossEntropy.Result] {
    try timer.measureStep { try move(along: passes, at: moment).results }
  }

  /// Completes the deferred part of the last step's update.
  public func settle() throws {
    guard deferral.isOwed else { return }
    let known = reducer.report.buckets.count
    try timer.measure(.wait) { try deferral.settle() }
    reportCommunication(from: known)
  }

  /// Tells the timer of the communicated buckets from number `first` on.
  private func reportCommunication(from first: Int = 0) {
    for bucket in reducer.report.buckets[first...] {
      timer.communicated(bucket.name, from: bucket.times.begun, to: bucket.times.ended)
    }
  }

  private func move(
    along passes: [ClassifierPass], at moment: Moment
  ) throws -> (results: [CrossEntropy.Result], penalty: Double) {
    let store = classifier.store
    let waited = context.waitedForRanks
    reducer.beginDeferred()
    store.clearGradients(
      wide: context.sharesStatistics, except: deferral.isOwed ? deferral.range : 0..<0)
    var penaltyValue = 0.0
    // Before the images' part, since the head's gradient travels as soon as that is there.
    if let penalty, penalty.alpha != 0 {
      penaltyValue = penalty.value(head: classifier.head, of: store)
      if communicator.rank == 0 { penalty.addGradient(head: classifier.head, of: store) }
    }
    reducer.begin(afterSteps: optimizer.stepCount)
    let results = computeGradients(passes, at: moment)
    try context.check()
    try deferral.check()
    timer.gradientsReady(waited: context.waitedForRanks - waited + reducer.report.exposed)
    try timer.measure(.wait) {
      if context.sharesStatistics {
        try store.reduceWideGradients { try communicator.allReduceSum(&$0) }
      } else {
        try reducer.finish()
      }
    }
    reportCommunication()
    timer.measure(.update) {
      optimizer.beginStep()
      let (count, later) = (store.values.count, deferral.range)
      for range in trainable.ranges(head: classifier.head, count: count) {
        for rest in [0..<later.lowerBound, later.upperBound..<count] {
          optimizer.step(
            store, range: range.clamped(to: rest), learningRate: moment.learningRate,
            context: context)
        }
      }
      deferral.owe(learningRate: moment.learningRate)
      penalty?.project(head: classifier.head, of: store)
    }
    return (results, penaltyValue)
  }

  /// Forward and backward of all passes; the last one's that reaches parameters hands gradients to
  /// the reducer.
  private func computeGradients(
    _ passes: [ClassifierPass], at moment: Moment
  ) -> [CrossEntropy.Result] {
    let store = classifier.store
    let batchesTracked = store.batchesTracked
    // Without images there is no forward that would come to it.
    if passes[0].batch.count == 0 { deferral.settle(beforeReadingTo: store.values.count) }
    let last = passes.lastIndex { $0.hasParameters }
    precondition(last != nil, "a step whose passes reach no parameter")
    let results = passes.enumerated().map {
      computeGradients($1, hands: $0 == last, at: moment)
    }
    store.batchesTracked = batchesTracked.map { $0 + Int64(passes.count * accumulationSteps) }
    return results
  }

  /// Forward and backward of all parts of a pass; where it `hands` gradients to the reducer, the
  /// last part's does.
  func computeGradients(
    _ pass: ClassifierPass, hands: Bool, at moment: Moment
  ) -> CrossEntropy.Result {
    let batch = pass.batch
    makeRoom(for: batch)
    var result = CrossEntropy.Result()
    for index in 0..<accumulationSteps {
      let range = batch.range(ofPart: index, of: accumulationSteps)
      let part = accumulationSteps == 1 ? batch : batch.part(range, copiedTo: partImages)
      let isLast = hands && index == accumulationSteps - 1
      var hooks = PassHooks()
      hooks.draws = PassDraws(seed: moment.seed, epoch: moment.epoch, images: part.indices)
      hooks.isAboutToRead = { [deferral] in deferral.settle(beforeReadingTo: $0) }
      if context.sharesStatistics {
        // A rank without images still joins the others' BatchNorm sums.
        hooks.imageShards = batch.shards(in: range, of: communicator)
        result.add(forwardAndBackward(part, pass, range, hooks) {})
        continue
      }
      if isLast { hooks.gradientIsFinal = { [reducer] in reducer.markReady($0.range) } }
      let addStatistics = { [self] in
        if isLast { addRunningStatistics(share: Double(batch.count) / Double(batch.globalCount)) }
      }
      if part.count > 0 {
        result.add(forwardAndBackward(part, pass, range, hooks, between: addStatistics))
      } else {
        addStatistics()
        if isLast { reducer.markAllReady() }
      }
    }
    return result
  }

  /// Lets the buffers of a part hold those of `batch`, which may be several interlaced ones.
  private func makeRoom(for batch: Batch) {
    let largest = (batch.count + accumulationSteps - 1) / accumulationSteps
    let outputs = largest * classifier.head.outputs
    if outputs > logitsGradient.count { logitsGradient = FloatBuffer(count: outputs) }
    let images = accumulationSteps == 1 ? 0 : classifier.inputShape.withBatch(largest).count
    if images > partImages.count { partImages = FloatBuffer(count: images) }
  }

  /// Adds the gradients of `batch`, the images in `range` of `pass`; `between` is called when running
  /// statistics have moved.
  private func forwardAndBackward(
    _ batch: Batch, _ pass: ClassifierPass, _ range: Range<Int>, _ hooks: PassHooks,
    between: () -> Void
  ) -> CrossEntropy.Result {
    var shape = classifier.inputShape
    shape.batch = batch.count
    let (result, gradient) = timer.measure(.forward) {
      let logits = classifier.forward(
        Tensor(shape, in: batch.images), mode: .training, hooks: hooks, context: context)
      between()
      let gradient = Tensor(logits.shape, in: logitsGradient)
      let result = loss.evaluate(
        logits, labels: batch.labels, globalCount: batch.globalCount, gradient: gradient)
      pass.weigh(gradient, of: range)
      return (result, gradient)
    }
    timer.measure(.backward) {
      let images = pass.imageGradient.map {
        accumulationSteps == 1 ? $0.withBatch(batch.count) : Tensor(shape)
      }
      classifier.backward(
        gradient, features: pass.featureGradient?(classifier.features, range),
        reach: pass.reach(trainable, images: images), hooks: hooks, context: context)
      if accumulationSteps > 1 { pass.keep(images, of: range) }
    }
    return result
  }

  /// Begins to make running statistics the mean over the ranks, weighted by their images.
  ///
  /// Each rank's batch moved its own, in forward; DDP would keep rank 0's alone, the mean uses what
  /// all have seen. They travel first, since backward does not touch them.
  private func addRunningStatistics(share: Double) {
    guard communicator.worldSize > 1 else { return }
    scaleRunningStatistics(by: share)
    reducer.add(classifier.store.buffers, named: "running statistics")
  }

  /// Multiplies this rank's running statistics, of which the ranks' sum is then taken.
  func scaleRunningStatistics(by share: Double) {
    let (buffers, factor) = (classifier.store.buffers, Float(share))
    for index in 0..<buffers.count { buffers.pointer[index] *= factor }
  }
}
