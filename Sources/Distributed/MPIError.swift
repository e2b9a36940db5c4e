import MPIShim

/// What can go wrong at the edge to MPI.
public enum MPIError: Error, Equatable, Sendable, CustomStringConvertible {
  /// An MPI call returned a status that is not success; `text` is MPI's own.
  case failed(call: String, status: Int32, text: String)
  /// A count that MPI's 32-bit counts cannot carry.
  case countTooLarge(call: String, count: Int)
  /// The MPI library cannot be called from a program that has threads.
  case noThreads
  /// These ranks did not answer when the ranks greeted one another: see Note [First contact].
  case noContact(rank: Int, host: String, with: [Int], seconds: Int)
  /// MPI was finalised earlier in this process and cannot start again.
  case finalized

  /// One line: the call and MPI's text, or what was expected and found.
  public var description: String {
    switch self {
    case .failed(let call, let status, let text):
      "\(call) failed with status \(status): \(text)"
    case .countTooLarge(let call, let count):
      "\(call): \(count) elements, more than the \(Int32.max) that one MPI call can carry"
    case .noThreads:
      "MPI_Init_thread: this MPI library offers less than MPI_THREAD_FUNNELED, which threads need"
    case .noContact(let rank, let host, let others, let seconds):
      "rank \(rank) (\(host)) has no answer from rank \(Self.list(others)) after \(seconds) s of "
        + "greetings: is there a way for TCP between their hosts, by the interfaces that MPI takes "
        + "(--mca btl_tcp_if_include)?"
    case .finalized:
      "MPI was already finalised in this process and cannot be started again"
    }
  }

  private static func list(_ ranks: [Int]) -> String {
    ranks.map(String.init).joined(separator: ", ")
  }
}

/// The one place where an MPI status is looked at; throws unless it is success.
package func checkMPI(_ status: Int32, call: String) throws {
  guard status != 0 else { return }
  throw MPIError.failed(call: call, status: status, text: errorText(status))
}

/// Narrows a count to MPI's `int`, or throws.
func mpiCount(_ count: Int, call: String) throws -> Int32 {
  guard let narrow = Int32(exactly: count) else {
    throw MPIError.countTooLarge(call: call, count: count)
  }
  return narrow
}

private func errorText(_ status: Int32) -> String {
  var length: Int32 = 0
  var text = [CChar](repeating: 0, count: Int(fst_mpi_max_error_string()))
  guard fst_mpi_error_string(status, &text, &length) == 0 else { return "no text for this status" }
  return String(decoding: text.prefix(Int(length)).map(UInt8.init(bitPattern:)), as: UTF8.self)
}
