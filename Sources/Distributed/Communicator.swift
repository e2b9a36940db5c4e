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
  /// Returns once all ranks have called it.
  func barrier() throws
  /// Returns where this rank is to print why it failed and then `abort`; see Note [One failure ends
  /// all].
  ///
  /// Where several ranks fail at about the same moment it returns on one of them, in a second or
  /// so, and the others stay in here until that one's abort ends them.
  func waitForTurnToFail()
  /// Ends all ranks with `exitCode`, without waiting for them.
  func abort(exitCode: Int32) -> Never
}
