import Foundation
import MPIShim
import Synchronization

extension Communicator {
  /// Swaps `byteCount` bytes with rank `peer` in both directions at once, `rounds` times; the
  /// seconds of each.
  ///
  /// `peer` calls it at the same time with this rank. Empty where ranks are not joined by MPI.
  public func secondsOfSwaps(with peer: Int, byteCount: Int, rounds: Int) throws -> [Double] {
    let result = Measured([Double]())
    try begin("a swap with rank \(peer)") { communicator in
      guard let mpi = communicator as? MPICommunicator else { return }
      let seconds = try mpi.secondsOfSwaps(with: peer, byteCount: byteCount, rounds: rounds)
      result.value.withLock { $0 = seconds }
    }.wait()
    return result.value.withLock { $0 }
  }

  /// The MPI library's name and version; nil where MPI is not started.
  public func mpiLibrary() throws -> String? {
    let result = Measured<String?>(nil)
    try begin("the version of MPI") { communicator in
      guard communicator is MPICommunicator else { return }
      var text = [CChar](repeating: 0, count: Int(fst_mpi_max_library_version()))
      var length: Int32 = 0
      try checkMPI(fst_mpi_library_version(&text, &length), call: "MPI_Get_library_version")
      // Some libraries count the final zero, and Open MPI ends with a comma and a blank.
      let name = String(
        decoding: text.prefix(Int(length)).map(UInt8.init(bitPattern:)).prefix { $0 != 0 },
        as: UTF8.self
      ).trimmingCharacters(in: CharacterSet(charactersIn: ", \n"))
      result.value.withLock { $0 = name }
    }.wait()
    return result.value.withLock { $0 }
  }
}

extension MPICommunicator {
  fileprivate func secondsOfSwaps(
    with peer: Int, byteCount: Int, rounds: Int
  ) throws -> [Double] {
    let count = try mpiCount(byteCount, call: "MPI_Sendrecv")
    let sent = [UInt8](repeating: 1, count: byteCount)
    var received = [UInt8](repeating: 0, count: byteCount)
    return try (0..<rounds).map { _ in
      let start = ContinuousClock.now
      try checkMPI(fst_mpi_swap(sent, &received, count, Int32(peer)), call: "MPI_Sendrecv")
      return start.duration(to: .now) / .seconds(1)
    }
  }
}

/// A value that the communication thread leaves for the one that waits.
private final class Measured<Value: Sendable>: Sendable {
  let value: Mutex<Value>

  init(_ value: Value) { self.value = Mutex(value) }
}
