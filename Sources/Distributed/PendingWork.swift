import Foundation

/// Communication that was begun and may still be under way; whoever began it waits for its end.
///
/// `@unchecked`: all state is guarded by one condition.
public final class PendingWork: @unchecked Sendable {
  /// What is communicated, for messages: `bucket 3 of step 41`.
  public let name: String

  /// When work was handed over, when it was its turn, and when it ended.
  public struct Times: Sendable {
    /// When it was handed over.
    public var handedOver: ContinuousClock.Instant
    /// When the communication thread came to it.
    public var begun: ContinuousClock.Instant
    /// When it was done.
    public var ended: ContinuousClock.Instant
  }

  private let condition = NSCondition()
  private let handedOver = ContinuousClock.now
  private var begun: ContinuousClock.Instant?
  private var outcome: (ended: ContinuousClock.Instant, error: (any Error)?)?

  init(_ name: String) { self.name = name }

  /// Runs `body` as the work itself.
  func run(_ body: () throws -> Void) {
    condition.withLock {
      begun = .now
      condition.broadcast()
    }
    var failure: (any Error)?
    do { try body() } catch { failure = error }
    condition.withLock {
      outcome = (.now, failure)
      condition.broadcast()
    }
  }

  /// Returns once the work is done, or throws what it threw.
  public func wait() throws {
    let failure = condition.withLock {
      while outcome == nil { condition.wait() }
      return outcome?.error
    }
    if let failure { throw failure }
  }

  /// Waits for the end of work that begins within `seconds`; false where it did not begin.
  func wait(forBeginWithin seconds: Double) -> Bool {
    condition.withLock {
      let limit = Date() + seconds
      while begun == nil { if !condition.wait(until: limit) { return begun != nil } }
      while outcome == nil { condition.wait() }
      return true
    }
  }

  /// When the work took place, once it is done.
  public var times: Times? {
    condition.withLock {
      guard let begun, let outcome else { return nil }
      return Times(handedOver: handedOver, begun: begun, ended: outcome.ended)
    }
  }
}
