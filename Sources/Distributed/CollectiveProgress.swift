import Synchronization

/// How far this rank's communication has come, for whoever watches it from another thread.
///
/// All ranks call the same collectives in the same order, so their numbers can be compared: who has
/// begun fewer is behind.
public final class CollectiveProgress: Sendable {
  /// What a rank is doing at a moment.
  public struct Position: Equatable, Sendable {
    /// The collectives begun so far.
    public var begun = 0
    /// When the running collective was begun; nil between two.
    public var since: ContinuousClock.Instant?
    /// Whether waiting is expected: a rank saves, or evaluates its share.
    public var isPaused = true
  }

  private struct State {
    var position = Position()
    var names: [String] = []
  }

  /// The last collectives whose names are kept.
  private static let kept = 64
  private let state = Mutex(State())

  /// Nothing begun, and paused until training begins.
  public init() {}

  /// What this rank is doing now.
  public var position: Position { state.withLock { $0.position } }

  /// The name of the collective that was begun as number `number`, counted from 1.
  ///
  /// Nil for one that is too long past, or still to come.
  public func name(of number: Int) -> String? {
    state.withLock { state in
      let index = number - 1 - (state.position.begun - state.names.count)
      return state.names.indices.contains(index) ? state.names[index] : nil
    }
  }

  /// Runs `body` as the collective `name`.
  func during(_ name: String, _ body: () throws -> Void) rethrows {
    state.withLock { state in
      state.position.begun += 1
      state.position.since = .now
      state.names.append(name)
      if state.names.count > 2 * Self.kept { state.names.removeFirst(Self.kept) }
    }
    defer { state.withLock { $0.position.since = nil } }
    try body()
  }

  /// Runs `body` with waiting expected or not, and returns to what it was before.
  func with<Result>(isPaused: Bool, _ body: () throws -> Result) rethrows -> Result {
    let before = state.withLock { state in
      let before = state.position.isPaused
      state.position.isPaused = isPaused
      return before
    }
    defer { state.withLock { $0.position.isPaused = before } }
    return try body()
  }
}
