import Synchronization

/// How long counted work will still take, by how fast it has been so far.
package final class Pace: Sendable {
  private struct Start {
    var name: String
    var done: Int
    var time: ContinuousClock.Instant
  }

  private let start = Mutex<Start?>(nil)

  /// No work seen yet.
  package init() {}

  /// Seconds until the work that `event` counts is done; nil where that cannot be said yet.
  package func secondsLeft(_ event: TrainingEvent, now: ContinuousClock.Instant = .now) -> Double? {
    guard let (name, done, total) = Self.count(event) else { return nil }
    return start.withLock { start in
      guard let begun = start, begun.name == name, done > begun.done else {
        start = Start(name: name, done: done, time: now)
        return nil
      }
      let seconds = begun.time.duration(to: now) / .seconds(1)
      guard seconds >= 1 else { return nil }
      return seconds / Double(done - begun.done) * Double(max(total - done, 0))
    }
  }

  /// What is counted; steps say themselves what is left.
  private static func count(_ event: TrainingEvent) -> (name: String, done: Int, total: Int)? {
    switch event {
    case .evaluating(let done, let total): ("evaluate \(total)", done, total)
    case .embedding(let done, let total): ("embed", done, total)
    case .working(let work): (work.key ?? work.name, work.done, work.total)
    default: nil
    }
  }
}
