import Foundation

/// A communicator whose every operation is carried out by one thread; it owns that thread.
///
/// Note [Communication thread]: MPI makes progress only inside its calls, so whoever wants to
/// communicate while computing needs a thread that stays in them. That thread makes the
/// communicator, which lives on it, and takes work in the order in which it is handed over: plain
/// operations wait for their turn and their end, `begin` returns at once. All ranks hand over the
/// same work in the same order. Blocking calls on such a thread, with `mpi_yield_when_idle`, hid
/// more of the communication than MPI's own asynchronous calls: 83 to 88 % against 6 %. On a core
/// that computes too, a thread that yields gets a turn each 4 ms; one that sleeps is woken on time,
/// at the computing thread's cost: with 0.2 ms a step on two hosts took 0.548 s, not 0.505. One
/// thread calling MPI is also all that MPI_THREAD_FUNNELED allows.
public final class CommunicationThread: Communicator {
  /// This member's number, `0..<worldSize`.
  public let rank: Int
  /// The number of members.
  public let worldSize: Int
  /// The name of the host this member runs on.
  public let hostName: String
  /// How far the thread has come.
  public let progress: CollectiveProgress? = CollectiveProgress()

  private let queue: WorkQueue<any Communicator>

  /// Starts the thread, on which `make` makes the communicator; throws what `make` throws.
  public init(_ make: @escaping @Sendable () throws -> any Communicator) throws {
    let queue = WorkQueue<any Communicator>()
    let made = Box<(any Communicator)?>(nil)
    let start = PendingWork("start")
    let thread = Thread {
      start.run { made.value = try make() }
      if let communicator = made.value { queue.work(with: communicator) }
    }
    thread.stackSize = 8 << 20
    thread.name = "communication"
    thread.start()
    try start.wait()
    guard let communicator = made.value else { preconditionFailure("nothing made or thrown") }
    rank = communicator.rank
    worldSize = communicator.worldSize
    hostName = communicator.hostName
    self.queue = queue
  }

  deinit { queue.close() }

  /// Begins `work` once all that was handed over before is done, and returns at once.
  public func begin(
    _ name: String, _ work: @escaping @Sendable (any Communicator) throws -> Void
  ) -> PendingWork { hand(over: name, work) }

  private func hand(
    over name: String, _ work: @escaping (any Communicator) throws -> Void
  ) -> PendingWork {
    let pending = PendingWork(name)
    queue.push { [progress] communicator in
      pending.run {
        if let progress {
          try progress.during(name) { try work(communicator) }
        } else {
          try work(communicator)
        }
      }
    }
    return pending
  }

  /// Has `body` run on the thread and waits for it.
  private func perform<Result>(
    _ name: String, _ body: @escaping (any Communicator) throws -> Result
  ) throws -> Result {
    let result = Box<Result?>(nil)
    try hand(over: name) { result.value = try body($0) }.wait()
    guard let value = result.value else { preconditionFailure("\(name) without a result") }
    return value
  }

  /// The same for an operation on `values`, which travel without being copied.
  private func perform<Element>(
    _ name: String, on values: inout [Element],
    _ body: @escaping (any Communicator, inout [Element]) throws -> Void
  ) throws {
    let box = Box(values)
    values = []
    try perform(name) { try body($0, &box.value) }
    values = box.value
  }

  /// Runs `body` on the thread, with nothing else under way.
  func finalize(_ body: @escaping () throws -> Void) throws {
    try perform("the end") { _ in try body() }
  }

  /// Returns where this rank is to print why it failed and then `abort`.
  ///
  /// Where the thread is held up in a collective that the failure itself keeps from ending, nobody
  /// can be asked, and this rank speaks.
  public func waitForTurnToFail() {
    let turn = hand(over: "a failure") { $0.waitForTurnToFail() }
    _ = turn.wait(forBeginWithin: 1)
  }

  /// Ends all ranks with `exitCode`, without waiting for them.
  ///
  /// Where the thread is held up, this process alone ends, and its launcher ends the others.
  public func abort(exitCode: Int32) -> Never {
    fflush(nil)
    _ = hand(over: "abort") { $0.abort(exitCode: exitCode) }.wait(forBeginWithin: 1)
    _exit(exitCode)
  }
}

extension CommunicationThread {
  /// Replaces each float by its sum over all ranks; the result has the same bits on every rank.
  public func allReduceSum(_ floats: UnsafeMutableBufferPointer<Float>) throws {
    try perform("a sum") { try $0.allReduceSum(floats) }
  }

  /// Replaces each double by its sum over all ranks.
  public func allReduceSum(_ values: inout [Double]) throws {
    try perform("a sum", on: &values) { try $0.allReduceSum(&$1) }
  }

  /// Replaces each count by its exact sum over all ranks.
  public func allReduceSum(_ counts: inout [Int64]) throws {
    try perform("a sum of counts", on: &counts) { try $0.allReduceSum(&$1) }
  }

  /// The largest of all ranks' values.
  public func allReduceMaximum(_ value: Int64) throws -> Int64 {
    try perform("a maximum") { try $0.allReduceMaximum(value) }
  }

  /// Overwrites `bytes` on every rank with those of rank `root`; the lengths must be equal.
  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws {
    try perform("a broadcast") { try $0.broadcast(bytes, from: root) }
  }

  /// Every rank's bytes (lengths may differ), in rank order, on every rank.
  public func allGather(_ bytes: [UInt8]) throws -> [[UInt8]] {
    try perform("a gather") { try $0.allGather(bytes) }
  }

  /// Sends slice r of `sent` to each rank r, and fills `received` with what the others send here.
  public func allToAll(
    _ sent: UnsafeRawBufferPointer, slices: [Range<Int>], received: UnsafeMutableRawBufferPointer
  ) throws {
    try perform("an exchange") { try $0.allToAll(sent, slices: slices, received: received) }
  }

  /// Fills each slice of `bytes` with that of the rank it belongs to; this rank's own stays.
  public func allGather(_ slices: [Range<Int>], in bytes: UnsafeMutableRawBufferPointer) throws {
    try perform("a gather") { try $0.allGather(slices, in: bytes) }
  }

  /// Returns once all ranks have called it.
  public func barrier() throws { try perform("a barrier") { try $0.barrier() } }
}

/// A value that one thread writes before another, woken by a condition, reads it.
private final class Box<Value>: @unchecked Sendable {
  var value: Value

  init(_ value: Value) { self.value = value }
}
