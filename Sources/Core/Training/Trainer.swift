import Distributed
import Foundation

/// The training loop that attacks and tuning share: epochs of steps, with progress and a way to
/// stop.
public struct Trainer {
  /// What one step does.
  public let step: TrainStep
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
  /// Which images carry a trigger, for the training set's own ASR; nil where none does.
  public let poisoned: PoisonedDataset?
  /// Told of the progress on rank 0.
  public let observer: any TrainingObserver
  /// Asked before each step.
  public let interruption: Interruption
  /// Compares the replicas and takes the times.
  public let watch: TrainingWatch

  /// One epoch's outcome, over all ranks.
  public struct Epoch: Sendable {
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

  /// Trains from epoch `first` on and calls `epochEnded` after each; true if it was interrupted.
  ///
  /// An interrupted epoch is given up: `epochEnded` is not called for it.
  public func run(
    from first: Int, epochEnded: (Epoch) throws -> Void
  ) throws -> Bool {
    let limit = maxSteps ?? .max
    for epoch in first..<max(first, epochs) where epoch * loader.sampler.stepsPerEpoch < limit {
      guard let outcome = try step.communicator.training({ try train(epoch) }) else { return true }
      try epochEnded(outcome)
    }
    return false
  }

  /// One epoch; nil if it was interrupted.
  private func train(_ epoch: Int) throws -> Epoch? {
    let steps = loader.sampler.stepsPerEpoch
    let limit = min(steps, (maxSteps ?? .max) - epoch * steps)
    let start = ContinuousClock.now
    var outcome = Epoch(index: epoch, counts: TrainingCounts(), learningRate: 0, seconds: 0)
    var imagesSeen = 0
    var index = 0
    let batches = loader.epoch(epoch)
    while let batch = watch.timer.measure(.load, { batches.next() }) {
      if try watch.timer.measure(.wait, { try isInterrupted() }) { return nil }
      outcome.learningRate = schedule.rate(
        epoch: epoch, step: index, stepsPerEpoch: steps, epochs: epochs)
      let result = try step.run(batch, learningRate: outcome.learningRate)
      try watch.replicas.verify(afterStep: epoch * steps + index + 1)
      outcome.counts.add(batch, result, dataset: poisoned)
      imagesSeen += batch.globalCount
      index += 1
      outcome.seconds = (ContinuousClock.now - start).seconds
      report(outcome, step: index, steps: limit, images: imagesSeen)
      if index == limit { break }
    }
    try outcome.counts.sum(over: step.communicator)
    outcome.timing = try watch.epochEnded()
    return outcome
  }

  /// Whether any rank was asked to stop; all ranks get the same answer at the same step.
  private func isInterrupted() throws -> Bool {
    let isRequested = interruption.isRequested
    guard step.communicator.worldSize > 1 else { return isRequested }
    return try step.communicator.allReduceMaximum(isRequested ? 1 : 0) > 0
  }

  private func report(_ epoch: Epoch, step: Int, steps: Int, images: Int) {
    guard self.step.communicator.rank == 0 else { return }
    let counts = epoch.counts
    let share = Double(counts.total) / Double(max(images, 1))
    let perStep = epoch.seconds / Double(step)
    let inAll = min(epochs * loader.sampler.stepsPerEpoch, maxSteps ?? .max)
    let stepsLeft = inAll - epoch.index * loader.sampler.stepsPerEpoch - step
    observer.observe(
      .step(
        StepProgress(
          phase: phase, epoch: epoch.index + 1, epochs: epochs, step: step, steps: steps,
          loss: (counts.meanLoss ?? 0) / max(share, 1e-9), accuracy: counts.accuracy ?? 0,
          imagesPerSecond: Double(images) / max(epoch.seconds, 1e-9),
          secondsRemaining: perStep * Double(stepsLeft))))
  }
}

extension Duration {
  /// The duration in seconds.
  package var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
