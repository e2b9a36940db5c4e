import Synchronization

/// Requests to save or to stop at the next step boundary; a signal handler's thread may make them.
public final class Interruption: Sendable {
  /// What was asked for; the larger one wins where ranks were asked for different things.
  enum Request: Int64 {
    case none
    /// Save and go on.
    case save
    /// Save and stop.
    case stop
    /// Stop, since there is nothing left to save: see Note [Divergence].
    case giveUp
  }

  private let saving = Atomic<Bool>(false)
  private let stopping = Atomic<Bool>(false)

  /// No request yet.
  public init() {}

  /// Whether a stop was requested on this rank.
  public var isRequested: Bool { stopping.load(ordering: .relaxed) }

  /// Requests a stop.
  public func request() { stopping.store(true, ordering: .relaxed) }

  /// Requests a checkpoint; training goes on after it.
  public func requestSave() { saving.store(true, ordering: .relaxed) }

  /// What was asked for on this rank since the last call; a stop stays asked for.
  func take() -> Request {
    let saves = saving.exchange(false, ordering: .relaxed)
    return isRequested ? .stop : saves ? .save : .none
  }
}
