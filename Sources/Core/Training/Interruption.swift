import Synchronization

/// A request to stop at the next step boundary; a signal handler's thread may make it.
public final class Interruption: Sendable {
  private let flag = Atomic<Bool>(false)

  /// No request yet.
  public init() {}

  /// Whether a stop was requested on this rank.
  public var isRequested: Bool { flag.load(ordering: .relaxed) }

  /// Requests a stop.
  public func request() { flag.store(true, ordering: .relaxed) }
}
