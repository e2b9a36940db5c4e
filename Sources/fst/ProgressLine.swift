import Core
import Foundation

/// The wording of progress: what a line or a bar says of an event.
enum ProgressLine {
  /// The event as a line of its own, for logs and terminals: nothing of it raw.
  ///
  /// `secondsLeft` are those of counted work, where they are known.
  static func plain(_ event: TrainingEvent, secondsLeft: Double? = nil) -> String? {
    words(event).map { ($0 + remaining(secondsLeft)).printable() }
  }

  private static func words(_ event: TrainingEvent) -> String? {
    switch event {
    case .message(let text), .note(let text): text
    case .warning(let text): "warning: \(text)"
    case .claimed, .measured, .picture: nil
    case .step(let step): "\(place(step))  \(figures(step))"
    case .epoch(let summary): epoch(summary)
    case .evaluating(let done, let total): "evaluated \(done) of \(total) images"
    case .embedding(let done, let total): "t-SNE iteration \(done) of \(total)"
    case .working(let work): "\(work.name): \(counted(work))"
    }
  }

  /// The event as a bar of at most `columns` characters; figures go before the bar where it is
  /// narrow.
  static func bar(_ event: TrainingEvent, columns: Int, secondsLeft: Double? = nil) -> String {
    let left = remaining(secondsLeft)
    return switch event {
    case .step(let step):
      layOut(place(step), figures(step), share(step.step, step.steps), columns: columns)
    case .evaluating(let done, let total):
      layOut("evaluate", "\(done) of \(total) images" + left, share(done, total), columns: columns)
    case .embedding(let done, let total):
      layOut("t-SNE", "iteration \(done) of \(total)" + left, share(done, total), columns: columns)
    case .working(let work):
      layOut(work.name, counted(work) + left, share(work.done, work.total), columns: columns)
    case .message, .warning, .note, .claimed, .epoch, .measured, .picture: ""
    }
  }

  /// Seconds as `m:ss` or `h:mm:ss`.
  static func clock(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "-" }
    let whole = Int(seconds.rounded())
    let (hours, minutes) = (whole / 3600, whole / 60 % 60)
    let tail = ":" + twoDigits(whole % 60)
    return hours > 0 ? "\(hours):" + twoDigits(minutes) + tail : "\(minutes)" + tail
  }

  private static func remaining(_ seconds: Double?) -> String {
    seconds.map { "  \(clock($0)) left" } ?? ""
  }

  private static func counted(_ work: WorkProgress) -> String {
    "\(work.done) of \(work.total) \(work.unit)"
  }

  private static func place(_ step: StepProgress) -> String {
    "\(step.phase) \(step.epoch)/\(step.epochs) step \(step.step)/\(step.steps)"
  }

  private static func figures(_ step: StepProgress) -> String {
    String(
      format: "loss %.4f  acc %.3f  %.0f images/s  ", step.loss, step.accuracy,
      step.imagesPerSecond) + clock(step.secondsRemaining) + " left"
  }

  private static func epoch(_ summary: EpochSummary) -> String {
    var line = "epoch \(summary.epoch)/\(summary.epochs)"
    line += String(
      format: "  lr %.4g  loss %.4f  acc %.3f", summary.learningRate, summary.trainLoss,
      summary.trainAccuracy)
    if let metrics = summary.metrics {
      line += "  C-ACC \(Report.figure(metrics.cleanAccuracy))"
      line += "  ASR \(Report.figure(metrics.attackSuccessRate))"
      line += "  RA \(Report.figure(metrics.robustAccuracy))"
    }
    line += String(format: "  %.1f s", summary.seconds)
    return line + (summary.timing?.straggler.map { "  \(TimingLine.late($0))" } ?? "")
  }

  private static func share(_ done: Int, _ total: Int) -> Double {
    total > 0 ? min(max(Double(done) / Double(total), 0), 1) : 0
  }

  private static func layOut(
    _ place: String, _ figures: String, _ share: Double, columns: Int
  ) -> String {
    let room = min(columns - place.count - figures.count - 6, 30)
    guard room >= 8 else { return String("\(place)  \(figures)".prefix(max(columns, 0))) }
    let filled = Int((Double(room) * share).rounded(.down))
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: room - filled)
    return "\(place)  [\(bar)]  \(figures)"
  }

  private static func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
