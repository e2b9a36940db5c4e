import Distributed

/// The ranks over which BatchNorm joins its statistics (`--sync_bn`).
public final class StatisticsGroup {
  private let communicator: any Communicator
  private var failure: (any Error)?

  /// The time spent so far in all-reduces inside layers: mostly waiting for other ranks.
  private(set) var waited = Duration.zero

  /// The ranks of `communicator`.
  public init(_ communicator: any Communicator) { self.communicator = communicator }

  /// Whether this rank is the group's first.
  var isFirstRank: Bool { communicator.rank == 0 }

  /// Replaces `values` by their sums over the ranks.
  ///
  /// A failed all-reduce is kept for `check()`: layers do not throw.
  func sum(_ values: inout [Double]) {
    guard failure == nil else { return }
    let start = ContinuousClock.now
    do { try communicator.allReduceSum(&values) } catch { failure = error }
    waited += start.duration(to: .now)
  }

  /// Throws the failure of an all-reduce inside a layer; a step asks once after its passes.
  public func check() throws {
    if let failure { throw failure }
  }
}
