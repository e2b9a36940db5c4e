import Foundation

/// Ranks as threads of one process, for tests: the laws of a `Communicator` without a launcher.
///
/// Every collective is one exchange: each member puts its bytes down, the last to arrive publishes
/// them all, and each computes its own result from them in rank order, so all get the same bits. A
/// member that throws, or returns while others still wait, makes the others' collectives throw.
/// As over MPI, each member communicates on a thread of its own: see Note [Communication thread].
public enum LocalGroup {
  /// Runs `body` once per rank, each on a thread of its own, and returns their results in rank
  /// order.
  ///
  /// Throws the error of the member that failed first, after all have ended.
  public static func run<Result: Sendable>(
    worldSize: Int, _ body: @escaping @Sendable (any Communicator) throws -> Result
  ) throws -> [Result] {
    precondition(worldSize > 0, "a world of \(worldSize)")
    let meeting = Meeting<Result>(worldSize: worldSize)
    for rank in 0..<worldSize {
      let thread = Thread {
        let result = Swift.Result {
          try body(
            CommunicationThread {
              LocalCommunicator(rank: rank, worldSize: worldSize, exchange: meeting.exchange)
            })
        }
        meeting.leave(rank, with: result)
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    return try meeting.results()
  }
}

/// Why a collective of a local group could not complete.
public enum LocalGroupError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Another member threw; `reason` describes its error.
  case memberFailed(rank: Int, reason: String)
  /// Another member returned without calling this collective.
  case memberLeft(rank: Int, operation: String)
  /// Two members called different collectives, or the same one with different sizes.
  case mismatch(rank: Int, found: String, expected: String)

  /// One line naming the rank.
  public var description: String {
    switch self {
    case .memberFailed(let rank, let reason): "rank \(rank) failed: \(reason)"
    case .memberLeft(let rank, let operation):
      "rank \(rank) returned while others wait in \(operation)"
    case .mismatch(let rank, let found, let expected):
      "rank \(rank) called \(found) where another rank called \(expected)"
    }
  }
}

/// The table at which members meet; all state is guarded by one condition.
private final class Meeting<Result: Sendable>: @unchecked Sendable {
  private let worldSize: Int
  private let condition = NSCondition()
  private var round = 0
  private var operation = ""
  private var arriving: [[UInt8]?]
  private var published: [[UInt8]] = []
  private var failure: LocalGroupError?
  private var firstError: (any Error)?
  private var left: [Int: Result] = [:]
  private var ended = 0

  init(worldSize: Int) {
    self.worldSize = worldSize
    arriving = Array(repeating: nil, count: worldSize)
  }

  /// Puts down `bytes`, waits for all members and returns theirs in rank order.
  ///
  /// `published` stands until the next round is complete, which needs this very member to arrive
  /// again: so no member can miss it.
  func exchange(rank: Int, _ called: String, _ bytes: [UInt8]) throws -> [[UInt8]] {
    condition.lock()
    defer { condition.unlock() }
    let isFirst = arriving.allSatisfy { $0 == nil }
    if isFirst { operation = called }
    if operation != called {
      fail(.mismatch(rank: rank, found: called, expected: operation))
    }
    arriving[rank] = bytes
    failIfSomeoneLeft()
    if let failure { throw failure }
    let here = arriving.compactMap { $0 }
    if here.count == worldSize {
      published = here
      arriving = Array(repeating: nil, count: worldSize)
      round += 1
      condition.broadcast()
      return published
    }
    let mine = round
    while round == mine {
      if let failure { throw failure }
      condition.wait()
    }
    return published
  }

  /// Notes that a member's body has ended.
  func leave(_ rank: Int, with result: Swift.Result<Result, any Error>) {
    condition.lock()
    defer { condition.unlock() }
    ended += 1
    switch result {
    case .success(let value):
      left[rank] = value
      failIfSomeoneLeft()
    case .failure(let error):
      if firstError == nil { firstError = error }
      fail(.memberFailed(rank: rank, reason: "\(error)"))
    }
    condition.broadcast()
  }

  /// All results once all members have left, or the first error.
  func results() throws -> [Result] {
    condition.lock()
    defer { condition.unlock() }
    while ended < worldSize { condition.wait() }
    if let firstError { throw firstError }
    return (0..<worldSize).compactMap { left[$0] }
  }

  private func failIfSomeoneLeft() {
    guard arriving.contains(where: { $0 != nil }), let rank = left.keys.min() else { return }
    fail(.memberLeft(rank: rank, operation: operation))
  }

  private func fail(_ error: LocalGroupError) {
    if failure == nil { failure = error }
    condition.broadcast()
  }
}

/// One member of a local group.
private final class LocalCommunicator: Communicator {
  typealias Exchange = @Sendable (_ rank: Int, _ called: String, [UInt8]) throws -> [[UInt8]]

  let rank: Int
  let worldSize: Int
  let exchange: Exchange
  var hostName: String { "thread\(rank)" }

  init(rank: Int, worldSize: Int, exchange: @escaping Exchange) {
    self.rank = rank
    self.worldSize = worldSize
    self.exchange = exchange
  }

  /// Gathers `values` of all ranks and adds them in rank order, into `values` itself.
  private func sum<Number: AdditiveArithmetic>(
    _ values: UnsafeMutableBufferPointer<Number>, _ called: String
  ) throws {
    let all = try exchange(
      rank, "\(called) of \(values.count)", Array(UnsafeRawBufferPointer(values)))
    UnsafeMutableRawBufferPointer(values).copyBytes(from: all[0])
    for bytes in all.dropFirst() {
      bytes.withUnsafeBytes { bytes in
        for (index, value) in bytes.bindMemory(to: Number.self).enumerated() {
          values[index] += value
        }
      }
    }
  }

  func allReduceSum(_ floats: UnsafeMutableBufferPointer<Float>) throws {
    try sum(floats, "allReduceSum(Float)")
  }

  func allReduceSum(_ values: inout [Double]) throws {
    try values.withUnsafeMutableBufferPointer { try sum($0, "allReduceSum(Double)") }
  }

  func allReduceSum(_ counts: inout [Int64]) throws {
    try counts.withUnsafeMutableBufferPointer { try sum($0, "allReduceSum(Int64)") }
  }

  func allReduceMaximum(_ value: Int64) throws -> Int64 {
    let bytes = withUnsafeBytes(of: value) { Array($0) }
    let all = try exchange(rank, "allReduceMaximum", bytes)
    return all.map { $0.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) } }.max() ?? value
  }

  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws {
    precondition(root >= 0 && root < worldSize, "broadcast from rank \(root) of \(worldSize)")
    let sent = rank == root ? Array(bytes) : []
    let all = try exchange(rank, "broadcast of \(bytes.count) from \(root)", sent)
    bytes.copyBytes(from: all[root])
  }

  func allGather(_ bytes: [UInt8]) throws -> [[UInt8]] { try exchange(rank, "allGather", bytes) }

  func allToAll(
    _ sent: UnsafeRawBufferPointer, slices: [Range<Int>], received: UnsafeMutableRawBufferPointer
  ) throws {
    let mine = slices[rank]
    let all = try exchange(rank, "allToAll of \(slices)", Array(sent))
    for (other, bytes) in all.enumerated() {
      let place = UnsafeMutableRawBufferPointer(
        rebasing: received[other * mine.count..<(other + 1) * mine.count])
      place.copyBytes(from: bytes[mine])
    }
  }

  func allGather(_ slices: [Range<Int>], in bytes: UnsafeMutableRawBufferPointer) throws {
    let all = try exchange(rank, "allGather of \(slices)", Array(bytes[slices[rank]]))
    for (slice, part) in zip(slices, all) {
      UnsafeMutableRawBufferPointer(rebasing: bytes[slice]).copyBytes(from: part)
    }
  }

  func barrier() throws { _ = try exchange(rank, "barrier", []) }

  func waitForTurnToFail() {}

  /// Ends the whole process: all members are its threads.
  func abort(exitCode: Int32) -> Never { exit(exitCode) }
}
