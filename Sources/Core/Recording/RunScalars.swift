/// What an event of a run says in numbers, under the names that all records of a run use.
struct RunScalars {
  /// What the numbers are of.
  enum Kind: String {
    /// A training step.
    case step
    /// An epoch.
    case epoch
    /// The model before a tuning, and after it.
    case test
  }

  /// What the numbers are of.
  let kind: Kind
  /// What was being done, such as `attack badnet`; of a test nothing.
  let phase: String
  /// The epoch, counted from 1, and 0 before the first; nil is the last epoch that has ended.
  let epoch: Int?
  /// Steps since the run's beginning; nil but for a step.
  var step: Int?
  /// The numbers that there are: all finite.
  let values: [(name: String, value: Double)]

  /// The numbers of `event`; nil of one that has none.
  init?(_ event: TrainingEvent) {
    var numbers: [(String, Double?)]
    switch event {
    case .step(let progress):
      (kind, phase, epoch) = (.step, progress.phase, progress.epoch)
      step = progress.stepInAll
      numbers = [
        ("loss", progress.lossOfStep), ("accuracy", progress.accuracy),
        ("lr", progress.learningRate), ("images_per_second", progress.imagesPerSecond),
      ]
    case .epoch(let summary):
      (kind, phase, epoch) = (.epoch, summary.phase, summary.epoch)
      numbers = [
        ("lr", summary.learningRate), ("train_loss", summary.trainLoss),
        ("train_accuracy", summary.trainAccuracy),
      ]
      numbers += Self.rates(summary.metrics)
      numbers += [
        ("clean_loss", summary.cleanLoss), ("triggered_loss", summary.triggeredLoss),
        ("seconds", summary.seconds),
      ]
    case .measured(let metrics, let moment):
      (kind, phase, epoch) = (.test, "", moment == .before ? 0 : nil)
      numbers = Self.rates(metrics)
    default: return nil
    }
    values = numbers.compactMap { name, value in
      value.flatMap { $0.isFinite ? (name, $0) : nil }
    }
  }

  private static func rates(_ metrics: BackdoorMetrics?) -> [(String, Double?)] {
    [
      ("clean_accuracy", metrics?.cleanAccuracy),
      ("attack_success_rate", metrics?.attackSuccessRate),
      ("robust_accuracy", metrics?.robustAccuracy),
    ]
  }
}
