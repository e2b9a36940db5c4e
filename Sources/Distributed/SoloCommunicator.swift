import Foundation

/// A world of one: every collective is already complete, and MPI is never touched.
public final class SoloCommunicator: Communicator {
  /// Always 0.
  public let rank = 0
  /// Always 1.
  public let worldSize = 1
  /// This machine's name.
  public let hostName = ProcessInfo.processInfo.hostName

  /// Makes the world.
  public init() {}

  /// Leaves the floats: their own sum.
  public func allReduceSum(_ floats: UnsafeMutableBufferPointer<Float>) {}
  /// Leaves the doubles: their own sum.
  public func allReduceSum(_ values: inout [Double]) {}
  /// Leaves the counts: their own sum.
  public func allReduceSum(_ counts: inout [Int64]) {}
  /// `value` itself.
  public func allReduceMaximum(_ value: Int64) -> Int64 { value }
  /// Leaves the bytes; `root` must be 0.
  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {
    precondition(root == 0, "broadcast from rank \(root) of 1")
  }
  /// `bytes` as the only member's.
  public func allGather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }
  /// Copies the only slice.
  public func allToAll(
    _ sent: UnsafeRawBufferPointer, slices: [Range<Int>], received: UnsafeMutableRawBufferPointer
  ) {
    precondition(slices.count == 1, "\(slices.count) slices in a world of 1")
    received.copyBytes(from: sent[slices[0]])
  }
  /// Leaves the bytes: the only slice is this rank's.
  public func allGather(_ slices: [Range<Int>], in bytes: UnsafeMutableRawBufferPointer) {}
  /// Returns at once.
  public func barrier() {}
  /// Returns at once.
  public func waitForTurnToFail() {}
  /// Ends this process with `exitCode`.
  public func abort(exitCode: Int32) -> Never { exit(exitCode) }
}
