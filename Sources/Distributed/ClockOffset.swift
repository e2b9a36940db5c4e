import Foundation

/// How far this rank's clock is from rank 0's.
public struct ClockOffset: Codable, Equatable, Sendable {
  /// What is to be added to this rank's clock to have rank 0's, in seconds.
  public var seconds: Double
  /// By how much `seconds` may be wrong, either way.
  public var error: Double

  /// An offset that may be wrong by `error`.
  public init(seconds: Double, error: Double) { (self.seconds, self.error) = (seconds, error) }
}

extension Communicator {
  /// Finds how far this rank's clock `now` (in seconds) is from rank 0's; all ranks call it.
  ///
  /// What was sent in an all-gather was sent before it is received, whichever clocks tell the two
  /// times. So each round gives a lower bound from rank 0's message to this rank and an upper one
  /// from this rank's to rank 0; the offset is the middle of what all rounds leave. A bound is tight
  /// where its sender came last: rank 0 and the others take turns at that.
  public func clockOffset(rounds: Int = 24, now: () -> Double) throws -> ClockOffset {
    guard worldSize > 1 else { return ClockOffset(seconds: 0, error: 0) }
    var sent: [Double] = []
    var received: [Double] = []
    var lower = -Double.infinity
    for round in 0..<rounds {
      if (rank == 0) == round.isMultiple(of: 2) { usleep(500) }
      sent.append(now())
      let fromZero = try allGather(Self.bytes([sent[round]]))[0]
      received.append(now())
      lower = max(lower, Self.doubles(fromZero)[0] - received[round])
    }
    let atZero = Self.doubles(try allGather(rank == 0 ? Self.bytes(received) : [])[0])
    let upper = zip(atZero, sent).map { $0 - $1 }.min() ?? lower
    if rank == 0 { return ClockOffset(seconds: 0, error: 0) }
    return ClockOffset(seconds: (lower + upper) / 2, error: abs(upper - lower) / 2)
  }

  private static func bytes(_ values: [Double]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

  private static func doubles(_ bytes: [UInt8]) -> [Double] {
    bytes.withUnsafeBytes { raw in
      (0..<raw.count / 8).map { raw.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self) }
    }
  }
}
