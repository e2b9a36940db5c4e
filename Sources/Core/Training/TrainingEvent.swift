/// Something a long computation has to tell; rank 0 alone tells it.
public enum TrainingEvent: Sendable {
  /// A line of information.
  case message(String)
  /// A line that the user should not overlook.
  case warning(String)
  /// A line for the run's log alone.
  case note(String)
  /// The folder is this run's own from here on: what another run left there is out of the way.
  case claimed(folder: String)
  /// One training step has ended.
  case step(StepProgress)
  /// One epoch has ended.
  case epoch(EpochSummary)
  /// `done` of `total` images have been evaluated.
  case evaluating(done: Int, total: Int)
  /// `done` of `total` iterations of an embedding are over.
  case embedding(done: Int, total: Int)
}

/// Where training stands after a step.
public struct StepProgress: Sendable {
  /// What is being done, such as `attack badnet` or `tune fst`.
  public var phase: String
  /// The current epoch, counted from 1.
  public var epoch: Int
  /// The number of epochs.
  public var epochs: Int
  /// Steps done in this epoch.
  public var step: Int
  /// Steps in an epoch.
  public var steps: Int
  /// Mean loss of this epoch so far, over rank 0's share.
  public var loss: Double
  /// Accuracy of this epoch so far, over rank 0's share, 0...1.
  public var accuracy: Double
  /// Training images per second over all ranks.
  public var imagesPerSecond: Double
  /// Estimated seconds until the last epoch ends, evaluations left out.
  public var secondsRemaining: Double
}

/// What an epoch came to.
public struct EpochSummary: Sendable {
  /// The epoch, counted from 1.
  public var epoch: Int
  /// The number of epochs.
  public var epochs: Int
  /// The learning rate of the epoch's last step.
  public var learningRate: Double
  /// Mean of the batches' losses over all ranks.
  public var trainLoss: Double
  /// Accuracy on the training images as they were seen, 0...1.
  public var trainAccuracy: Double
  /// The test metrics, where the epoch was evaluated.
  public var metrics: BackdoorMetrics?
  /// Wall time of training, seconds, evaluation left out.
  public var seconds: Double
  /// Where that time went, by rank and host.
  public var timing: EpochTiming?
}

/// Receives events, on the thread that computes: it must return quickly.
public protocol TrainingObserver: Sendable {
  /// Takes note of `event`.
  func observe(_ event: TrainingEvent)
}
