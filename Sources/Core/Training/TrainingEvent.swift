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
  /// Some other piece of work has come so far.
  case working(WorkProgress)
  /// What a tuning or a defence began with has been tested, or what it has made.
  case measured(BackdoorMetrics, MeasuredMoment)
  /// There is a picture that tells something of the run.
  case picture(RunPicture)
}

/// Work that takes its time and counts what is done of it.
public struct WorkProgress: Sendable {
  /// What is being done, such as `read images`.
  public var name: String
  /// What stays the same while the work goes on, where the name tells more; nil is the name.
  public var key: String?
  /// How many are done.
  public var done: Int
  /// How many there are.
  public var total: Int
  /// What is counted, such as `images`.
  public var unit: String

  /// So many of `total` done; `key` is what stays the same where the name tells more.
  public init(name: String, key: String? = nil, done: Int, total: Int, unit: String) {
    (self.name, self.key, self.unit) = (name, key, unit)
    (self.done, self.total) = (done, total)
  }
}

/// Which model of a tuning is meant.
public enum MeasuredMoment: String, Sendable {
  /// The one that it began with.
  case before
  /// The one that it has made.
  case after
}

/// A picture of a run, drawn only where somebody keeps it.
public struct RunPicture: Sendable {
  /// What it shows, such as `trigger`.
  public var name: String
  /// The epochs that were over.
  public var epoch: Int
  /// Draws it.
  public var draw: @Sendable () throws -> RGBImage

  /// The picture `name` that `draw` draws, of a run of which `epoch` epochs were over.
  public init(name: String, epoch: Int, draw: @escaping @Sendable () throws -> RGBImage) {
    (self.name, self.epoch, self.draw) = (name, epoch, draw)
  }
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
  /// Steps done since the run's beginning, those before it was resumed included.
  public var stepInAll: Int
  /// The learning rate of the step.
  public var learningRate: Double
  /// The step's own mean loss, over rank 0's share.
  public var lossOfStep: Double
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
  /// What was being done, as the epoch's steps say.
  public var phase: String
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
  /// Mean losses on the clean and on the triggered test images, likewise.
  public var cleanLoss, triggeredLoss: Double?
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
