import Foundation

/// Says once, after a run's first steps, how long it will take; it owns when it began to count.
///
/// The first step is not counted: it also fills caches and plans convolutions.
package final class EndEstimate {
  /// Seconds of steps that are worth an estimate.
  static let patience = 5.0
  /// Evaluating an image takes about a third of training on it: forward alone.
  private static let evaluationCost = 0.3

  /// Images that the run evaluates in all.
  let evaluatedImages: Int
  /// What takes less time, said where it is hours.
  let remedy: String
  private var begun: ContinuousClock.Instant?
  private var images = 0
  private var isSaid = false

  /// An estimate of a run that evaluates so many images in all.
  package init(evaluatedImages: Int = 0, remedy: String = "more ranks under mpirun take less") {
    self.evaluatedImages = evaluatedImages
    self.remedy = remedy
  }

  /// The line after a step of `batch` images, with `left` images of `total` still to be trained on;
  /// nil where it is not due or where less than a minute is left.
  package func line(
    afterStepOf batch: Int, left: Int, of total: Int, phase: String, now: ContinuousClock.Instant,
    date: Date
  ) -> String? {
    guard !isSaid else { return nil }
    guard let begun else {
      begun = now
      return nil
    }
    images += batch
    let seconds = (now - begun).seconds
    guard seconds >= Self.patience, images > 0 else { return nil }
    isSaid = true
    let evaluated = Double(evaluatedImages) * Double(left) / Double(max(total, 1))
    let secondsLeft =
      seconds / Double(images) * (Double(left) + Self.evaluationCost * evaluated)
    guard (60..<1e9).contains(secondsLeft) else { return nil }
    let end = date.addingTimeInterval(secondsLeft)
    return "\(phase): about \(Self.words(secondsLeft)), until \(Self.time(end, since: date))"
      + (secondsLeft >= 2 * 3600 ? "; \(remedy)" : "")
  }

  /// Seconds in words, such as `3 h 20 min` or `4 min`.
  static func words(_ seconds: Double) -> String {
    let minutes = Int((seconds / 60).rounded())
    guard minutes >= 60 else { return "\(minutes) min" }
    return minutes.isMultiple(of: 60)
      ? "\(minutes / 60) h" : "\(minutes / 60) h \(minutes % 60) min"
  }

  /// The time of day, with the date where it is another day than `start`'s.
  static func time(_ end: Date, since start: Date) -> String {
    let end = end.addingTimeInterval(30)  // to the nearest minute
    let day = "yyyy-MM-dd"
    let isSameDay = TimeStamp.text(end, format: day) == TimeStamp.text(start, format: day)
    return TimeStamp.text(end, format: isSameDay ? "HH:mm" : "\(day) HH:mm")
  }
}
