import Distributed
import Foundation

/// The training loop that attacks and tuning share: epochs of steps, with progress and a way to
/// stop.
public struct Trainer {
  /// What one step does.
  public let step: any TrainingStep
  /// Where batches come from.
  public let loader: BatchLoader
  /// The learning rate of each step.
  public let schedule: LearningRateSchedule
  /// The number of epochs.
  public let epochs: Int
  /// Steps after which training ends, over all epochs; nil for no limit.
  public let maxSteps: Int?
  /// What is being done, for progress lines.
  public let phase: String
  /// Told of the progress on rank 0.
  public let observer: any TrainingObserver
  /// Asked between steps.
  public let boundary: StepBoundary
  /// Compares the replicas and takes the times.
  public let watch: TrainingWatch
  /// Says how long the run will take.
  let estimate: EndEstimate
  /// The mean losses of the finished epochs.
  var losses = EpochLosses()

  /// Saves the state; nil where the run keeps none.
  var keeper: CheckpointKeeper? { boundary.keeper }

  /// One epoch's outcome, over all ranks.
  public struct Epoch: Sendable {
    /// What was being done.
    public var phase = ""
    /// The epoch, counted from 0.
    public var index: Int
    /// What the training images came to.
    public var counts: TrainingCounts
    /// The learning rate of the last step.
    public var learningRate: Double
    /// Wall time, seconds.
    public var seconds: Double
    /// Where that time went, by rank and host; nil until the epoch has ended.
    public var timing: EpochTiming?
  }

  /// Trains from `start` on and calls `epochEnded` after each epoch; nil once all are trained, else
  /// where it was stopped.
  ///
  /// `epochEnded` is not called for the epoch that was stopped.
  public func run(
    from start: TrainingPosition, epochEnded: (Epoch) throws -> Void
  ) throws -> TrainingPosition? {
    let limit = maxSteps ?? .max
    var position = start
    while position.epoch < epochs && position.epoch * loader.sampler.stepsPerEpoch < limit {
      guard let outcome = try step.communicator.training({ try train(&position) })
      else { return position }
      losses.values.append(outcome.counts.meanLoss ?? .nan)
      do { try epochEnded(outcome) } catch is NonFiniteLogits { throw diverged(at: position) }
      position = TrainingPosition(epoch: position.epoch + 1)
    }
    return nil
  }

  /// The rest of an epoch from `position` on; nil if it was stopped, at `position` then.
  private func train(_ position: inout TrainingPosition) throws -> Epoch? {
    let epoch = position.epoch
    let steps = loader.sampler.stepsPerEpoch
    let limit = min(steps, (maxSteps ?? .max) - epoch * steps)
    let start = ContinuousClock.now
    var outcome = Epoch(
      phase: phase, index: epoch, counts: position.counts,
      learningRate: learningRate(epoch, step: max(position.step - 1, 0)), seconds: 0)
    var imagesSeen = 0
    if position.step < limit { try step.epochBegins(epoch) }
    let batches = position.step < limit ? loader.epoch(epoch, startingAt: position.step) : nil
    while let batch = watch.timer.measure(.load, { batches?.next() }) {
      if try stops(at: position) { return nil }
      outcome.learningRate = learningRate(epoch, step: position.step)
      let result = try step.run(
        batch,
        at: Moment(
          learningRate: outcome.learningRate, seed: loader.seed, epoch: epoch, step: position.step))
      try watch.replicas.verify(
        afterStep: epoch * steps + position.step + 1, settle: step.settle)
      let lossBefore = position.counts.lossSum
      position.counts.add(result)
      position.step += 1
      imagesSeen += batch.globalCount
      outcome.counts = position.counts
      outcome.seconds = (ContinuousClock.now - start).seconds
      report(
        outcome, step: position.step, steps: limit, images: imagesSeen,
        lossOfStep: position.counts.lossSum - lossBefore)
      if position.step == limit { break }
    }
    try step.settle()
    outcome.seconds = (ContinuousClock.now - start).seconds
    if try stops(at: position, looksAtState: true) { return nil }
    try outcome.counts.sum(over: step.communicator)
    outcome.timing = try watch.epochEnded()
    return outcome
  }

  private func stops(at position: TrainingPosition, looksAtState: Bool = false) throws -> Bool {
    let isFinite = position.counts.lossSum.isFinite && (!looksAtState || step.isFinite)
    return try boundary.stops(
      at: position, of: loader.sampler.stepsPerEpoch,
      health: TrainingHealth(
        isFinite: isFinite, isStateFinite: { step.isFinite }, diverged: { diverged(at: position) }),
      settle: step.settle)
  }

  private func diverged(at position: TrainingPosition) -> TrainingDiverged {
    TrainingDiverged(
      phase: phase, epoch: position.epoch, step: position.step,
      learningRate: learningRate(position.epoch, step: max(position.step - 1, 0)),
      checkpoint: keeper?.savedFolder)
  }

  private func learningRate(_ epoch: Int, step: Int) -> Double {
    schedule.rate(
      epoch: epoch, step: step, stepsPerEpoch: loader.sampler.stepsPerEpoch, epochs: epochs,
      losses: losses.values)
  }

  private func report(
    _ epoch: Epoch, step: Int, steps: Int, images: Int, lossOfStep: Double
  ) {
    let counts = epoch.counts
    guard self.step.communicator.rank == 0, counts.lossSum.isFinite else { return }
    let batchSize = loader.sampler.batchSize
    // Images that no classifier sees, in a step of other learners, are on every rank's account.
    let share =
      counts.total == 0
      ? 1 : Double(counts.total) / Double(max(min(step * batchSize, loader.sampler.count), 1))
    let perStep = epoch.seconds * Double(batchSize) / Double(max(images, 1))
    let inAll = min(epochs * loader.sampler.stepsPerEpoch, maxSteps ?? .max)
    let stepInAll = epoch.index * loader.sampler.stepsPerEpoch + step
    let stepsLeft = inAll - stepInAll
    let line = estimate.line(
      afterStepOf: batchSize, left: stepsLeft * batchSize, of: inAll * batchSize, phase: phase,
      now: .now, date: Date())
    if let line { observer.observe(.message(line)) }
    observer.observe(
      .step(
        StepProgress(
          phase: phase, epoch: epoch.index + 1, epochs: epochs, step: step, steps: steps,
          stepInAll: stepInAll, learningRate: epoch.learningRate,
          lossOfStep: lossOfStep / max(share, 1e-9),
          loss: (counts.meanLoss ?? 0) / max(share, 1e-9), accuracy: counts.accuracy ?? 0,
          imagesPerSecond: Double(images) / max(epoch.seconds, 1e-9),
          secondsRemaining: perStep * Double(stepsLeft))))
  }
}
