/// A group of ranks that compute together: the operations the trainer needs, each a blocking
/// collective.
///
/// All ranks call the same operations in the same order. An operation either completes on all ranks
/// or throws; after a throw the group is unusable and the process should end through `abort`.
public protocol Communicator: AnyObject, Sendable {
  /// This member's number, `0..<worldSize`.
  var rank: Int { get }
  /// The number of members.
  var worldSize: Int { get }
  /// The name of the host this member runs on.
  var hostName: String { get }
  /// How far this member's communication has come; nil where nobody else could wait for it.
  var progress: CollectiveProgress? { get }

  /// Replaces each float by its sum over all ranks; the result has the same bits on every rank.
  func allReduceSum(_ floats: UnsafeMutableBufferPointer<Float>) throws
  /// Replaces each double by its sum over all ranks.
  func allReduceSum(_ values: inout [Double]) throws
  /// Replaces each count by its exact sum over all ranks.
  func allReduceSum(_ counts: inout [Int64]) throws
  /// The largest of all ranks' values.
  func allReduceMaximum(_ value: Int64) throws -> Int64
  /// Overwrites `bytes` on every rank with those of rank `root`; the lengths must be equal.
  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws
  /// Every rank's bytes (lengths may differ), in rank order, on every rank.
  func allGather(_ bytes: [UInt8]) throws -> [[UInt8]]
  /// Sends slice r of `sent` to each rank r, and fills `received` with what the others send here.
  ///
  /// `slices` are ranges of bytes, one for each rank and the same on all; `received` holds this
  /// rank's slice of every rank's `sent`, in rank order.
  func allToAll(
    _ sent: UnsafeRawBufferPointer, slices: [Range<Int>],
    received: UnsafeMutableRawBufferPointer) throws
  /// Fills each slice of `bytes` with that of the rank it belongs to; this rank's own stays.
  ///
  /// `slices` are ranges of bytes, one for each rank and the same on all.
  func allGather(_ slices: [Range<Int>], in bytes: UnsafeMutableRawBufferPointer) throws
  /// Returns once all ranks have called it.
  func barrier() throws
  /// Has `work`, called `name` in messages, done after all that was called or begun before.
  ///
  /// Returns at once where communication has a thread of its own; `work` may use no communicator
  /// but the one it is given. See Note [Communication thread].
  func begin(
    _ name: String, _ work: @escaping @Sendable (any Communicator) throws -> Void
  ) -> PendingWork
  /// Returns where this rank is to print why it failed and then `abort`; see Note [One failure ends
  /// all].
  ///
  /// Where several ranks fail at about the same moment it returns on one of them, in a second or
  /// so, and the others stay in here until that one's abort ends them.
  func waitForTurnToFail()
  /// Ends all ranks with `exitCode`, without waiting for them.
  func abort(exitCode: Int32) -> Never
}

extension Communicator {
  /// None: communication takes place where it is called.
  public var progress: CollectiveProgress? { nil }

  /// Does `work` at once.
  public func begin(
    _ name: String, _ work: @escaping @Sendable (any Communicator) throws -> Void
  ) -> PendingWork {
    let pending = PendingWork(name)
    pending.run { try work(self) }
    return pending
  }
}
