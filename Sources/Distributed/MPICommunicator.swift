import Foundation
import MPIShim

/// The ranks of one mpirun, over `MPI_COMM_WORLD`; it owns this process's one MPI session.
///
/// Note [Which thread calls MPI]: MPI is started with MPI_THREAD_FUNNELED, so every call comes from
/// the thread that made this object, which is a `CommunicationThread`. Each operation checks that.
/// It is `@unchecked Sendable` because that check stands in for a lock.
public final class MPICommunicator: Communicator, @unchecked Sendable {
  /// This member's number, `0..<worldSize`.
  public let rank: Int
  /// The number of members.
  public let worldSize: Int
  /// The name of the host this member runs on, as MPI knows it.
  public let hostName: String

  /// The most elements that one call is given where nothing else is said.
  static let largestChunk = 1 << 30

  /// What a rank's note means that is about to end all: not one of `FirstContact.Greeting`.
  private static let failing: Int32 = 3

  /// The most elements one call carries; longer buffers go in several calls, in order.
  private let chunk: Int
  private let owner = pthread_self()

  /// Starts MPI in this process; later collectives use at most `chunk` elements a call.
  ///
  /// To be called once, under a launcher: `MPIEnvironment.communicator()` decides that.
  init(chunk: Int) throws {
    precondition(chunk > 0 && chunk <= Int32.max, "a chunk of \(chunk) elements")
    var hasFunneled: Int32 = 0
    try checkMPI(fst_mpi_init_funneled(&hasFunneled), call: "MPI_Init_thread")
    guard hasFunneled != 0 else { throw MPIError.noThreads }
    var rank: Int32 = 0
    var size: Int32 = 0
    try checkMPI(fst_mpi_rank(&rank), call: "MPI_Comm_rank")
    try checkMPI(fst_mpi_size(&size), call: "MPI_Comm_size")
    self.rank = Int(rank)
    self.worldSize = Int(size)
    self.hostName = try Self.processorName()
    self.chunk = chunk
    try greet(within: 30)
  }

  /// Finds the ranks that collectives will connect with, or throws after `limit` seconds.
  ///
  /// See Note [First contact]. Of two that do not hear each other the lower one speaks, so that one
  /// line is said: the other has twice the time, in which it is ended.
  private func greet(within limit: Double) throws {
    var contact = FirstContact(rank: rank, worldSize: worldSize)
    let start = ContinuousClock.now
    var rounds = 0.0
    while !contact.missing.isEmpty {
      let seconds = start.duration(to: .now).seconds
      if seconds >= rounds {
        rounds += 1
        for (rank, greeting) in contact.greetings() { try send(greeting.rawValue, to: rank) }
      }
      var isQuiet = true
      for greeting in FirstContact.Greeting.allCases {
        while let sender = try nextSender(of: greeting.rawValue) {
          isQuiet = false
          if let answer = contact.receive(greeting, from: sender) {
            try send(answer.rawValue, to: sender)
          }
        }
      }
      if seconds > limit * (contact.missing.contains { $0 > rank } ? 1 : 2) {
        waitForTurnToFail()
        throw MPIError.noContact(
          rank: rank, host: hostName, with: contact.missing.sorted(), seconds: Int(seconds))
      }
      if isQuiet { usleep(200) }
    }
  }

  /// Sends a note, which means `tag`, without waiting for its end.
  private func send(_ tag: Int32, to rank: Int) throws {
    try checkMPI(fst_mpi_send_note(Int32(rank), tag), call: "MPI_Isend")
  }

  /// The sender of a note that means `tag`, taken from those that have come; nil without one.
  private func nextSender(of tag: Int32) throws -> Int? {
    var flag: Int32 = 0
    var source: Int32 = 0
    try checkMPI(fst_mpi_poll_note(tag, &flag, &source), call: "MPI_Recv")
    return flag != 0 ? Int(source) : nil
  }

  private static func processorName() throws -> String {
    var name = [CChar](repeating: 0, count: Int(fst_mpi_max_host_name()))
    var length: Int32 = 0
    try checkMPI(fst_mpi_host_name(&name, &length), call: "MPI_Get_processor_name")
    return String(decoding: name.prefix(Int(length)).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// See Note [Which thread calls MPI].
  private func checkThread() {
    precondition(pthread_equal(owner, pthread_self()) != 0, "MPI called from a second thread")
  }

  /// Hands `count` elements to `call` in chunks that MPI's counts can carry.
  private func inChunks(
    _ count: Int, _ name: String, _ call: (_ offset: Int, _ count: Int32) -> Int32
  ) throws {
    checkThread()
    for offset in stride(from: 0, to: count, by: chunk) {
      let count = try mpiCount(min(chunk, count - offset), call: name)
      try checkMPI(call(offset, count), call: name)
    }
  }

  /// Replaces each float by its sum over all ranks; the result has the same bits on every rank.
  public func allReduceSum(_ floats: UnsafeMutableBufferPointer<Float>) throws {
    guard let first = floats.baseAddress else { return }
    try inChunks(floats.count, "MPI_Allreduce") { offset, count in
      fst_mpi_allreduce_sum_float(first + offset, count)
    }
  }

  /// Replaces each double by its sum over all ranks.
  public func allReduceSum(_ values: inout [Double]) throws {
    try values.withUnsafeMutableBufferPointer { values in
      guard let first = values.baseAddress else { return }
      try inChunks(values.count, "MPI_Allreduce") { offset, count in
        fst_mpi_allreduce_sum_double(first + offset, count)
      }
    }
  }

  /// Replaces each count by its exact sum over all ranks.
  public func allReduceSum(_ counts: inout [Int64]) throws {
    try counts.withUnsafeMutableBufferPointer { counts in
      guard let first = counts.baseAddress else { return }
      try inChunks(counts.count, "MPI_Allreduce") { offset, count in
        fst_mpi_allreduce_sum_int64(first + offset, count)
      }
    }
  }

  /// The largest of all ranks' values.
  public func allReduceMaximum(_ value: Int64) throws -> Int64 {
    var value = value
    checkThread()
    try checkMPI(fst_mpi_allreduce_max_int64(&value, 1), call: "MPI_Allreduce")
    return value
  }

  /// Overwrites `bytes` on every rank with those of rank `root`; the lengths must be equal.
  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws {
    precondition(root >= 0 && root < worldSize, "broadcast from rank \(root) of \(worldSize)")
    guard let first = bytes.baseAddress else { return }
    try inChunks(bytes.count, "MPI_Bcast") { offset, count in
      fst_mpi_bcast(first + offset, count, Int32(root))
    }
  }

  /// Every rank's bytes (lengths may differ), in rank order, on every rank; 2 GiB together at most.
  public func allGather(_ bytes: [UInt8]) throws -> [[UInt8]] {
    checkThread()
    var lengths = [Int64](repeating: 0, count: worldSize)
    try checkMPI(fst_mpi_allgather_int64(Int64(bytes.count), &lengths), call: "MPI_Allgather")
    // Every rank sees the same lengths, so here all throw or none does.
    let total = Int(lengths.reduce(0, +))
    _ = try mpiCount(total, call: "MPI_Allgatherv")
    let counts = lengths.map { Int32($0) }
    let starts = counts.indices.map { counts[..<$0].reduce(0, +) }
    var all = [UInt8](repeating: 0, count: total)
    let status = fst_mpi_allgatherv(bytes, Int32(bytes.count), &all, counts, starts)
    try checkMPI(status, call: "MPI_Allgatherv")
    return zip(starts, counts).map { start, count in
      Array(all[Int(start)..<Int(start) + Int(count)])
    }
  }

  /// Sends slice r of `sent` to each rank r, and fills `received` with what the others send here.
  ///
  /// 2 GiB at most each way. All ranks have the same slices, so all throw or none does.
  public func allToAll(
    _ sent: UnsafeRawBufferPointer, slices: [Range<Int>], received: UnsafeMutableRawBufferPointer
  ) throws {
    checkThread()
    let longest = slices.map(\.count).max() ?? 0
    _ = try mpiCount(max(sent.count, longest * worldSize), call: "MPI_Alltoallv")
    let mine = slices[rank].count
    precondition(received.count >= mine * worldSize, "\(received.count) bytes to receive into")
    let status = fst_mpi_alltoallv(
      sent.baseAddress, slices.map { Int32($0.count) }, slices.map { Int32($0.lowerBound) },
      received.baseAddress, Array(repeating: Int32(mine), count: worldSize),
      (0..<worldSize).map { Int32($0 * mine) })
    try checkMPI(status, call: "MPI_Alltoallv")
  }

  /// Fills each slice of `bytes` with that of the rank it belongs to; this rank's own stays.
  ///
  /// 2 GiB at most.
  public func allGather(_ slices: [Range<Int>], in bytes: UnsafeMutableRawBufferPointer) throws {
    checkThread()
    _ = try mpiCount(bytes.count, call: "MPI_Allgatherv")
    let status = fst_mpi_allgatherv_in_place(
      bytes.baseAddress, slices.map { Int32($0.count) }, slices.map { Int32($0.lowerBound) })
    try checkMPI(status, call: "MPI_Allgatherv")
  }

  /// Returns once all ranks have called it.
  public func barrier() throws {
    checkThread()
    try checkMPI(fst_mpi_barrier(), call: "MPI_Barrier")
  }

  /// Returns where this rank is to print why it failed and then `abort`; see Note [One failure ends
  /// all].
  ///
  /// Rank 0 goes first, the others after a second and a quarter more per rank: who goes sends every
  /// rank a note, and who finds one keeps still. The launcher takes some seconds to end ranks on
  /// other hosts, so time alone would not do. A rank that is not ended within 30 s after a note
  /// goes all the same.
  public func waitForTurnToFail() {
    guard pthread_equal(owner, pthread_self()) != 0 else { return }
    if rank > 0, findsNote(within: 1 + 0.25 * Double(min(rank - 1, 8)), from: 0..<worldSize) {
      return Thread.sleep(forTimeInterval: 30)
    }
    for other in 0..<worldSize where other != rank { try? send(Self.failing, to: other) }
    // MPI delivers only while it is called; and a lower rank may have gone at the same moment.
    if findsNote(within: 0.25, from: 0..<rank) { Thread.sleep(forTimeInterval: 30) }
  }

  /// Looks for a failure note of one of `ranks`, for `seconds` at most.
  private func findsNote(within seconds: Double, from ranks: Range<Int>) -> Bool {
    let end = Date() + seconds
    repeat {
      guard let sender = try? nextSender(of: Self.failing) else {
        usleep(2000)
        continue
      }
      if ranks.contains(sender) { return true }
    } while Date() < end
    return false
  }

  /// Ends all ranks with `exitCode`, without waiting for them; what was written before is kept.
  public func abort(exitCode: Int32) -> Never {
    fflush(nil)
    _ = fst_mpi_abort(exitCode)
    _exit(exitCode)
  }
}
