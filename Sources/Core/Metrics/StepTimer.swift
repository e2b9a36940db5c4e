import Foundation

/// Takes the time of what this rank does in training: sums over an epoch, and each span if asked.
///
/// It owns both; only the thread that computes uses it. Times are elapsed ones, not processor time.
public final class StepTimer {
  /// What the thread that computes is doing.
  public enum Phase: String, CaseIterable, Sendable {
    /// Waiting for the next batch, which another thread prepares.
    case load
    /// All of a step but the loading; it holds the four that follow.
    case step
    case forward, backward
    /// Waiting for communication.
    case wait
    case update
    case evaluate, save
  }

  /// Steps begun over the whole run.
  public private(set) var step = 0
  /// The spans, where they are kept.
  private(set) var spans: SpanBuffer?

  private var totals = StepTotals()
  private var stepStart = ContinuousClock.now

  /// A timer that keeps no spans.
  public init() {}

  /// Keeps each span from now on, `limit` of them at most.
  func keepSpans(limit: Int) { spans = SpanBuffer(limit: limit) }

  /// Runs `body` and counts its time as `phase`.
  public func measure<Result>(
    _ phase: Phase, _ body: () throws -> Result
  ) rethrows -> Result {
    let start = ContinuousClock.now
    defer {
      let end = ContinuousClock.now
      if phase == .load { totals.load += (end - start).seconds }
      if phase == .wait { totals.wait += (end - start).seconds }
      spans?.add(phase, step: step, from: start, to: end)
    }
    return try body()
  }

  /// Runs `body` as a training step.
  public func measureStep<Result>(_ body: () throws -> Result) rethrows -> Result {
    step += 1
    totals.steps += 1
    return try measure(.step) {
      stepStart = .now
      return try body()
    }
  }

  /// Notes that the step's last gradient is computed; `waited` of the time until now was spent
  /// waiting for other ranks: in layers that share statistics, and for what the step before had
  /// deferred.
  ///
  /// What follows is the sum over the ranks, which ends everywhere at once: see Note [Stragglers].
  public func gradientsReady(waited: Duration) {
    totals.lastGradient += (stepStart.duration(to: .now) - waited).seconds
    totals.wait += waited.seconds
  }

  /// Notes what the thread that communicates did in this step: `name` from `start` to `end`.
  ///
  /// What `name` says of the step, as in "bucket 2 of step 7", is dropped.
  public func communicated(
    _ name: String, from start: ContinuousClock.Instant, to end: ContinuousClock.Instant
  ) {
    let what = name.range(of: " of step ").map { String(name[..<$0.lowerBound]) } ?? name
    spans?.add(communication: what, step: step, from: start, to: end)
  }

  /// The sums since the last call.
  func takeTotals() -> StepTotals {
    defer { totals = StepTotals() }
    return totals
  }
}

/// What one rank's steps came to, in seconds over all of them.
struct StepTotals: Codable, Equatable, Sendable {
  var steps = 0
  /// From the batch in hand until the last gradient.
  var lastGradient = 0.0
  var load = 0.0
  var wait = 0.0
}
