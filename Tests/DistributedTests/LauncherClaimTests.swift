import Distributed
import Testing

/// Variables as launchers set them, and what they mean to a process that is alone.
@Suite struct LauncherClaimTests {
  private func ranks(_ variables: [String: String], worldSize: Int = 1) -> Int? {
    MPIEnvironment.unjoined(variables, worldSize: worldSize)?.size
  }

  /// A task of `srun -n 2 --mpi=none`, by Slurm 22.05.
  private static let step = [
    "SLURM_JOB_ID": "3", "SLURM_LOCALID": "1", "SLURM_NODEID": "0", "SLURM_NPROCS": "2",
    "SLURM_NTASKS": "2", "SLURM_PROCID": "1", "SLURM_STEPID": "0", "SLURM_STEP_ID": "0",
    "SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_TASKS_PER_NODE": "2", "SLURM_TASKS_PER_NODE": "2",
  ]

  @Test func anotherMPIsLauncherSpeaksOfRanksThatAreNotThere() {
    #expect(ranks(["PMI_SIZE": "2", "PMI_RANK": "0", "PMI_FD": "6"]) == 2)
    #expect(ranks(["PMI_SIZE": "2", "PMI_RANK": "1", "PALS_RANKID": "1"]) == 2)
    #expect(ranks(["FLUX_JOB_SIZE": "8", "FLUX_TASK_RANK": "7"]) == 8)
    #expect(ranks(["MV2_COMM_WORLD_SIZE": "4", "MV2_COMM_WORLD_RANK": "0"]) == 4)
    #expect(ranks(Self.step) == 2)
    #expect(ranks(["SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "0"]) == 2)
    #expect(ranks(["OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "0"]) == 2)
    #expect(ranks(Self.step.merging(["PMIX_RANK": "1"]) { $1 }) == 2)
  }

  @Test func whereTheRanksAreThereAllIsWell() {
    #expect(ranks(Self.step, worldSize: 2) == nil)
    #expect(ranks(["OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "0"], worldSize: 2) == nil)
  }

  @Test func aLoneProcessIsLeftInPeace() {
    #expect(ranks([:]) == nil)
    #expect(ranks(["PMI_SIZE": "1", "PMI_RANK": "0"]) == nil)
    #expect(ranks(["PMI_SIZE": "many", "PMI_RANK": "0"]) == nil)
    #expect(ranks(["PMI_SIZE": "-3", "PMI_RANK": "0"]) == nil)
    // salloc's shell, and sbatch's script.
    let shell = ["SLURM_JOB_ID": "2", "SLURM_NTASKS": "2", "SLURM_NPROCS": "2"]
    #expect(ranks(shell) == nil)
    #expect(ranks(shell.merging(["SLURM_PROCID": "0", "SLURM_LOCALID": "0"]) { $1 }) == nil)
    // The shell of an interactive step, whose id is one of those at the top.
    #expect(ranks(Self.step.merging(["SLURM_STEP_ID": "4294967290"]) { $1 }) == nil)
    // One rank of Open MPI's in a step of two tasks, which started its daemons.
    let inner = ["OMPI_COMM_WORLD_SIZE": "1", "OMPI_COMM_WORLD_RANK": "0"]
    #expect(ranks(Self.step.merging(inner) { $1 }) == nil)
  }

  @Test func theComplaintNamesTheVariableAndTheWayOut() throws {
    let slurm = try #require(MPIEnvironment.unjoined(Self.step)).complaint
    #expect(slurm.contains("SLURM_STEP_NUM_TASKS=2") && slurm.contains("srun --mpi=pmix"))
    let hydra = try #require(MPIEnvironment.unjoined(["PMI_SIZE": "3", "PMI_RANK": "0"])).complaint
    #expect(hydra.contains("PMI_SIZE=3") && hydra.contains("mpirun of Open MPI"))
    #expect(hydra.contains("unset PMI_SIZE") && !hydra.contains("srun"))
  }
}
