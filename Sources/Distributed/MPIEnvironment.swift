import Foundation
import MPIShim
import Synchronization

/// Whether a launcher started this process, and the one communicator that follows from it.
///
/// Only variables are looked at: a process that no launcher started never calls MPI, which would
/// fork a daemon, and fails where there is neither ssh nor a network.
public enum MPIEnvironment {
  /// Settings for OpenMPI, used unless the environment (or `mpirun --mca`) already has the
  /// variable.
  ///
  /// Ring all-reduce is 1.8 times as fast as OpenMPI's choice for gradients of 45 MB between
  /// machines; yielding leaves the core to whoever computes. Messages of up to 2 MiB, a half
  /// bucket, go over TCP without asking first: on one connection the answer would wait behind the
  /// data on its way back, and two hosts would send in turn (0.72 s against 0.375 s for 45 MB at 1
  /// Gbit/s). For longer ones there are two connections (0.38 s). The fixed algorithm also fixes
  /// the order of the additions, so equal runs give equal bits. A value that a user's
  /// `mca-params.conf` gives is overridden too, since OpenMPI ranks variables above files.
  public static let defaults: [(name: String, value: String)] = [
    ("OMPI_MCA_coll_tuned_use_dynamic_rules", "1"),
    ("OMPI_MCA_coll_tuned_allreduce_algorithm", "4"),
    ("OMPI_MCA_btl_tcp_links", "2"),
    ("OMPI_MCA_mpi_yield_when_idle", "1"),
    ("OMPI_MCA_btl_tcp_eager_limit", "2162688"),
    ("OMPI_MCA_btl_tcp_max_send_size", "2162688"),
    ("OMPI_MCA_btl_tcp_free_list_inc", "4"),
  ]

  /// How OpenMPI's ranks on a host copy messages; `none` is by way of memory that they share.
  ///
  /// Where a container denies them to read each other's memory, OpenMPI says so for every message
  /// and copies this way after all. The program asks first and sets it, unless it is set.
  public static let singleCopyVariable = "OMPI_MCA_btl_vader_single_copy_mechanism"

  /// Whether ranks of one host may read each other's memory.
  public static var mayReadRanks: Bool { fst_may_read_processes() != 0 }

  /// Whether these variables are those of a process that an MPI launcher started.
  ///
  /// mpirun sets `OMPI_COMM_WORLD_SIZE`, `srun --mpi=pmix` sets `PMIX_RANK`. Slurm's own variables
  /// say nothing: they stand in every shell of an allocation, and MPI_Init would fail there.
  public static func isLaunched(_ variables: [String: String]) -> Bool {
    ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK"].contains { variables[$0]?.isEmpty == false }
  }

  /// The group this process belongs to: all ranks of the launcher's job, or a world of one.
  ///
  /// The first call starts MPI where a launcher is found, on a thread of its own: see Note
  /// [Communication thread]. Later calls return the same object. Throws `MPIError`, after `finalize`
  /// too.
  public static func communicator() throws -> any Communicator {
    try communicator(chunk: MPICommunicator.largestChunk)
  }

  /// The same, with at most `chunk` elements in a call to MPI.
  package static func communicator(chunk: Int) throws -> any Communicator {
    try state.withLock { state in
      if isFinalized.load(ordering: .relaxed) { throw MPIError.finalized }
      if let communicator = state { return communicator }
      let communicator = try start(chunk: chunk)
      state = communicator
      return communicator
    }
  }

  /// Ends MPI in good order where it was started; all ranks call it, as their last use of MPI.
  public static func finalize() throws {
    guard let thread = state.withLock({ $0 as? CommunicationThread }),
      !isFinalized.exchange(true, ordering: .relaxed)
    else { return }
    try thread.finalize { try checkMPI(fst_mpi_finalize(), call: "MPI_Finalize") }
  }

  /// Runs `body` with this process's communicator and returns the exit status it should end with.
  ///
  /// An error ends all ranks with one call of `report` among them, by Note [One failure ends all];
  /// an error known to one rank alone aborts the group there and does not return. `exitCode` gives
  /// an error's exit status, which must not be 0.
  public static func run(
    report: (any Error) -> Void, exitCode: (any Error) -> Int32 = { _ in 1 },
    _ body: (any Communicator) throws -> Void
  ) -> Int32 {
    var member: (any Communicator)?
    do {
      let communicator = try communicator()
      member = communicator
      try body(communicator)
      try finalize()
      return 0
    } catch {
      guard let member, member.worldSize > 1 else {
        report(error)
        try? finalize()
        return exitCode(error)
      }
      if error is any ThrownOnAllRanks {
        if member.rank == 0 { report(error) }
        try? finalize()
        return exitCode(error)
      }
      member.waitForTurnToFail()
      report(error)
      member.abort(exitCode: exitCode(error))
    }
  }

  /// Whether MPI was started in this process.
  public static var isInitialized: Bool {
    var flag: Int32 = 0
    return fst_mpi_initialized(&flag) == 0 && flag != 0
  }

  private static let state = Mutex<(any Communicator)?>(nil)
  private static let isFinalized = Atomic(false)

  private static func start(chunk: Int) throws -> any Communicator {
    guard isLaunched(ProcessInfo.processInfo.environment) else { return SoloCommunicator() }
    for (name, value) in defaults { setenv(name, value, 0) }
    if !mayReadRanks { setenv(singleCopyVariable, "none", 0) }
    return try CommunicationThread { try MPICommunicator(chunk: chunk) }
  }
}
