/// What an attack run came to.
public struct AttackOutcome: Sendable {
  /// The run's folder.
  public var folder: String
  /// The metrics of the last finished epoch; no image counted where none was finished.
  public var metrics: BackdoorMetrics
  /// Epochs that are finished and archived, those of earlier parts of a resumed run included.
  public var finishedEpochs: Int
  /// Where the run was stopped, its state saved; nil if it was not.
  public var stopped: TrainingPosition?
  /// Wall time of this part of the run, seconds.
  public var seconds: Double
  /// Where the time of the epochs of this part went, by rank and host.
  public var timings: [EpochTiming] = []
}

extension EpochSummary {
  /// The summary of a finished epoch.
  init(_ epoch: Trainer.Epoch, epochs: Int, tests: TestResults?) {
    self.init(
      phase: epoch.phase, epoch: epoch.index + 1, epochs: epochs, learningRate: epoch.learningRate,
      trainLoss: epoch.counts.meanLoss ?? .nan, trainAccuracy: epoch.counts.accuracy ?? 0,
      metrics: tests?.metrics, cleanLoss: tests?.cleanLoss, triggeredLoss: tests?.triggeredLoss,
      seconds: epoch.seconds, timing: epoch.timing)
  }
}

extension AttackDataFrame {
  /// An epoch's row in the columns of attack_df.csv, or of one with images that are like triggered
  /// ones where `cross` is what they came to; NaN where there were no images.
  static func row(
    _ epoch: Trainer.Epoch, _ tests: TestResults, cross: Evaluator.Result? = nil
  ) -> [Value] {
    let (counts, metrics) = (epoch.counts, tests.metrics)
    var numbers = [
      counts.meanLoss, counts.accuracy, counts.cleanAccuracy, counts.attackSuccessRate,
      counts.robustAccuracy,
    ]
    if cross != nil { numbers.append(counts.crossAccuracy) }
    numbers += [tests.cleanLoss, tests.triggeredLoss]
    if let cross { numbers.append(cross.lossAverageOverBatches) }
    numbers += [metrics.cleanAccuracy, metrics.attackSuccessRate, metrics.robustAccuracy]
    if let cross {
      numbers.append(cross.total > 0 ? Double(cross.matches) / Double(cross.total) : nil)
    }
    return [.count(epoch.index), .count(counts.batches)] + numbers.map { .number($0 ?? .nan) }
  }
}

extension AttackOutcome: LoggedOutcome {
  var logLines: [String] {
    stopped.map { ["interrupted after \($0)"] } ?? metrics.table
  }
}
