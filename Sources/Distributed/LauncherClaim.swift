/// What a launcher says of the processes that it started, by its variables.
///
/// A launcher of another MPI, or `srun` without PMIx, starts n processes that never hear of each
/// other: n worlds of one that do the same work in the same folder. Only the variables tell.
public struct LauncherClaim: Equatable, Sendable {
  /// The variable that says how many there are.
  public let variable: String
  /// How many there are, and which this one is.
  public let size: Int, rank: Int

  /// A claim of `variable`.
  init(_ variable: String, size: Int, rank: Int) {
    (self.variable, self.size, self.rank) = (variable, size, rank)
  }

  /// What is wrong where this process is alone all the same, and what to do about it.
  public var complaint: String {
    let isSlurm = variable.hasPrefix("SLURM_")
    return
      "\(variable)=\(size): \(size) processes were started, but each is a world of one; expected "
      + (isSlurm ? "srun --mpi=pmix, or mpirun of Open MPI" : "mpirun of Open MPI")
      + ", found "
      + (isSlurm ? "srun without it" : "another MPI's launcher (mpirun --version says whose)")
      + "; for runs that are meant to be alone unset \(variable)"
  }

  /// Who says how many: Open MPI, other launchers in the order in which they nest.
  ///
  /// Slurm speaks of its step alone. `SLURM_NTASKS` stands in each shell of an allocation, in a
  /// batch script `SLURM_PROCID` too, where one process is meant.
  private static let sizes = [
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
    ("MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"),
    ("PMI_SIZE", "PMI_RANK"), ("PALS_SIZE", "PALS_RANKID"), ("FLUX_JOB_SIZE", "FLUX_TASK_RANK"),
    ("JSM_NAMESPACE_SIZE", "JSM_NAMESPACE_RANK"), ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
  ]

  /// What these variables say; nil where no launcher set them.
  public static func of(_ variables: [String: String]) -> LauncherClaim? {
    for (variable, place) in sizes {
      guard let size = variables[variable].flatMap({ Int($0) }), size > 0,
        let rank = variables[place].flatMap({ Int($0) }), rank >= 0
      else { continue }
      if variable.hasPrefix("SLURM_"), isShell(step: variables["SLURM_STEP_ID"]) { continue }
      return LauncherClaim(variable, size: size, rank: rank)
    }
    return nil
  }

  /// Whether a Slurm step is the shell of a batch or interactive job, which have the ids at the top.
  private static func isShell(step: String?) -> Bool {
    step.flatMap { Int($0) }.map { $0 >= 0xffff_fff0 } ?? false
  }
}

extension MPIEnvironment {
  /// What a launcher of several processes says to a process that is alone, `worldSize` being 1; nil
  /// where all is well.
  public static func unjoined(
    _ variables: [String: String], worldSize: Int = 1
  ) -> LauncherClaim? {
    guard worldSize == 1, let claim = LauncherClaim.of(variables), claim.size > 1 else {
      return nil
    }
    return claim
  }
}
