import Core
import Foundation

/// What a command says on standard output: a short table, or one JSON object in the last line.
enum Report {
  /// A rate as in the field's tables, four digits; `-` where there were no images.
  static func figure(_ rate: Double?) -> String { BackdoorMetrics.figure(rate) }

  /// Prints an attack's outcome and gives the exit status.
  static func attack(_ outcome: AttackOutcome, page: String?, json: Bool) throws -> Int32 {
    if json {
      try printJSON(
        AttackReport(
          metrics: MetricsReport(outcome.metrics), folder: outcome.folder,
          seconds: outcome.seconds, interrupted: outcome.stopped != nil,
          timing: outcome.timings.map(TimingReport.init)))
    } else {
      // Stopped before its first epoch was over, a run has nothing to show.
      if outcome.metrics != BackdoorMetrics() { outcome.metrics.table.forEach { print($0) } }
      print("folder  \(outcome.folder)")
      if let page { print("page    \(page)") }
      print("time    \(ProgressLine.clock(outcome.seconds))")
    }
    guard let stopped = outcome.stopped else { return 0 }
    return interrupted(stopped, remedy: resuming)
  }

  private static let resuming = "the same command with --resume goes on"

  /// Says where a run was stopped and gives the exit status of one that is worth trying again.
  private static func interrupted(_ position: TrainingPosition, remedy: String) -> Int32 {
    StandardError.line("interrupted after \(position); \(remedy)")
    return ExitStatus.interrupted
  }

  /// Prints a tuning run's outcome and gives the exit status.
  static func tune(_ outcome: TuneOutcome, page: String?, json: Bool) throws -> Int32 {
    if json {
      try printJSON(
        TuneReport(
          before: MetricsReport(outcome.before), after: MetricsReport(outcome.after),
          folder: outcome.folder, alpha: outcome.alpha, seconds: outcome.seconds,
          interrupted: outcome.stopped != nil, timing: outcome.timings.map(TimingReport.init)))
    } else {
      outcome.before.table(andAfter: outcome.after).forEach { print($0) }
      if let folder = outcome.folder { print("folder  \(folder)") }
      if let page { print("page    \(page)") }
      print("time    \(ProgressLine.clock(outcome.seconds))")
    }
    guard let stopped = outcome.stopped else { return 0 }
    let remedy =
      outcome.isResumable
      ? resuming
      : outcome.folder == nil
        ? "nothing was saved; with --save it can go on"
        : "this part of the defence saves nothing; the same command starts anew"
    return interrupted(stopped, remedy: remedy)
  }

  /// Prints an evaluation's metrics and gives the exit status.
  static func evaluation(_ metrics: BackdoorMetrics, json: Bool) throws -> Int32 {
    if json { try printJSON(MetricsReport(metrics)) } else { metrics.table.forEach { print($0) } }
    return 0
  }

  static func printJSON(_ report: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    StandardOutput.json(String(decoding: try encoder.encode(report), as: UTF8.self))
  }
}

/// The three rates with their counts; a rate without images is null.
struct MetricsReport: Encodable {
  enum Key: String, CodingKey {
    case cleanAccuracy = "clean_accuracy"
    case attackSuccessRate = "attack_success_rate"
    case robustAccuracy = "robust_accuracy"
    case cleanCorrect = "clean_correct"
    case cleanTotal = "clean_total"
    case attackSuccesses = "attack_successes"
    case robustCorrect = "robust_correct"
    case triggeredTotal = "triggered_total"
  }

  let metrics: BackdoorMetrics

  init(_ metrics: BackdoorMetrics) { self.metrics = metrics }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(metrics.cleanAccuracy, forKey: .cleanAccuracy)
    try container.encode(metrics.attackSuccessRate, forKey: .attackSuccessRate)
    try container.encode(metrics.robustAccuracy, forKey: .robustAccuracy)
    try container.encode(metrics.cleanCorrect, forKey: .cleanCorrect)
    try container.encode(metrics.cleanTotal, forKey: .cleanTotal)
    try container.encode(metrics.attackSuccesses, forKey: .attackSuccesses)
    try container.encode(metrics.robustCorrect, forKey: .robustCorrect)
    try container.encode(metrics.triggeredTotal, forKey: .triggeredTotal)
  }
}

/// An attack's outcome: the rates and their counts beside the run's folder.
struct AttackReport: Encodable {
  enum Key: String, CodingKey { case folder, seconds, interrupted, timing }

  let metrics: MetricsReport
  let folder: String
  let seconds: Double
  let interrupted: Bool
  /// One for each epoch.
  let timing: [TimingReport]

  func encode(to encoder: any Encoder) throws {
    try metrics.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(folder, forKey: .folder)
    try container.encode(seconds, forKey: .seconds)
    try container.encode(interrupted, forKey: .interrupted)
    try container.encode(timing, forKey: .timing)
  }
}

/// A tuning run's outcome.
struct TuneReport: Encodable {
  let before: MetricsReport
  let after: MetricsReport
  /// Absent where nothing was saved.
  let folder: String?
  /// Absent where no feature-shift penalty was.
  let alpha: Double?
  let seconds: Double
  let interrupted: Bool
  /// One for each epoch.
  let timing: [TimingReport]
}
