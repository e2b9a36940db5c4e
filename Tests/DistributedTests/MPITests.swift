import Distributed
import TestSupport
import Testing

/// The communicator over MPI, by the probe under mpirun; serialized, since each test takes all
/// cores.
@Suite(.serialized) struct MPITests {
  private let probe = RunProcess.product("distributed-probe")

  private func run(_ ranks: Int, _ arguments: String...) throws -> ProcessOutput {
    try RunProcess.mpirun(ranks, probe, arguments)
  }

  /// What the probe itself said on standard error, without mpirun's own block.
  private func messages(_ output: ProcessOutput) -> [String] {
    output.errorLines.filter { $0.hasPrefix("fst: ") }
  }

  private func everyRank(_ ranks: Int, _ text: String) -> [String] {
    (0..<ranks).map { "ok \(text) rank \($0) of \(ranks)" }
  }

  @Test(arguments: [1, 2, 3, 4]) func everyCollectiveEqualsItsClosedForm(ranks: Int) throws {
    let output = try run(ranks, "laws")
    #expect(output.exitCode == 0, "\(output.standardError)")
    #expect(output.outputLines.sorted() == everyRank(ranks, "laws"))
  }

  @Test(arguments: [1, 2, 4]) func buffersBeyondOneCallGoInChunks(ranks: Int) throws {
    let output = try run(ranks, "chunks")
    #expect(output.exitCode == 0, "\(output.standardError)")
    #expect(output.outputLines.sorted() == everyRank(ranks, "chunks"))
  }

  @Test func withoutALauncherMPIIsNotStarted() throws {
    for environment in [[:], ["SLURM_JOB_ID": "1", "SLURM_PROCID": "0", "SLURM_NTASKS": "2"]] {
      let output = try RunProcess.run(probe, ["status"], environment: environment)
      #expect(output.exitCode == 0, "\(output.standardError)")
      #expect(output.outputLines == ["ok MPI false then false rank 0 of 1"])
    }
  }

  @Test func underALauncherMPIIsStarted() throws {
    #expect(try run(1, "status").outputLines == ["ok MPI false then true rank 0 of 1"])
  }

  @Test(arguments: [(2, 0), (2, 1), (4, 3)]) func oneRankThatFailsEndsAll(
    ranks: Int, odd: Int
  ) throws {
    let output = try run(ranks, "fail-alone", "\(odd)")
    #expect(output.exitCode == 7)
    #expect(messages(output) == ["fst: rank \(odd) is broken"])
  }

  @Test(arguments: [1, 2, 4]) func allRanksFailingAtOnceGiveOneMessage(ranks: Int) throws {
    let output = try run(ranks, "fail-everywhere")
    #expect(output.exitCode == 7)
    #expect(messages(output) == ["fst: broken everywhere"])
  }

  @Test(arguments: [0, 1]) func oneSpeaksWhereTheLauncherIsSlowToEndTheOthers(spared: Int) throws {
    let output = try run(4, "slow-end", "\(spared)")
    #expect(output.exitCode == 7)
    #expect(messages(output) == ["fst: rank \(spared) is broken"])
  }

  @Test func badInputIsSaidOnce() throws {
    for ranks in [1, 2, 4] {
      let output = try run(ranks, "bad-input")
      #expect(output.exitCode == 7)
      #expect(messages(output) == ["fst: bad input"])
    }
  }

  @Test func aFailureInAPhaseNamesRankAndHost() throws {
    let output = try run(3, "fail-together", "1")
    #expect(output.exitCode == 7)
    let said = messages(output)
    #expect(said.count == 1 && said[0].hasPrefix("fst: rank 1 ("), "\(said)")
    #expect(said.allSatisfy { $0.hasSuffix("): no such file") })
  }

  @Test(arguments: [(3, 2), (3, 0), (2, 1)]) func aFrozenRankIsNamedAndEndsAll(
    ranks: Int, odd: Int
  ) throws {
    let output = try run(ranks, "frozen", "\(odd)")
    #expect(output.exitCode == 75, "\(output.standardError)")
    let said = messages(output)
    #expect(said.count == 1 && said[0].hasPrefix("fst: rank \(odd) ("), "\(said)")
    #expect(said.allSatisfy { $0.contains(" of step 15") || $0.contains("does not answer") })
  }

  @Test(arguments: [(3, 2), (3, 0)]) func aLateRankIsNamedWithItsBucket(
    ranks: Int, odd: Int
  ) throws {
    let output = try run(ranks, "late", "\(odd)")
    #expect(output.exitCode == 75, "\(output.standardError)")
    let said = messages(output)
    #expect(said.count == 1 && said[0].hasPrefix("fst: rank \(odd) ("), "\(said)")
    #expect(said.allSatisfy { $0.contains("has not reached bucket 2 of step 15") }, "\(said)")
    #expect(output.errorLines.contains { $0.hasPrefix("warning: rank \(odd) (") })
  }

  @Test func anOddConfigurationNamesItsRank() throws {
    let output = try run(3, "odd-configuration", "2")
    #expect(output.exitCode == 7)
    let said = messages(output)
    #expect(said.count == 1 && said[0].hasPrefix("fst: rank 2 ("), "\(said)")
  }

  @Test func aFlippedBitNamesItsRank() throws {
    let said = messages(try run(4, "flipped-bit", "3"))
    #expect(said.count == 1 && said[0].hasPrefix("fst: rank 3 ("), "\(said)")
  }

  @Test func aStatusBecomesTheCallsNameAndMPIsText() throws {
    let said = messages(try run(2, "error-text"))
    #expect(said == ["fst: MPI_Bcast failed with status 6: MPI_ERR_RANK: invalid rank"])
  }

  @Test func settingsAreOursUnlessTheUserGaveOne() throws {
    let ours = try run(1, "settings")
    #expect(ours.outputLines == ["ok links 2 algorithm 4 rank 0 of 1"])
    let theirs = try RunProcess.mpirun(
      1, probe, ["settings"], environment: ["OMPI_MCA_btl_tcp_links": "3"])
    #expect(theirs.outputLines == ["ok links 3 algorithm 4 rank 0 of 1"])
  }
}

@Suite struct MPIEnvironmentTests {
  @Test func onlyALaunchersVariablesCount() {
    #expect(MPIEnvironment.isLaunched(["OMPI_COMM_WORLD_SIZE": "1"]))
    #expect(MPIEnvironment.isLaunched(["PMIX_RANK": "0"]))
    #expect(!MPIEnvironment.isLaunched([:]))
    #expect(!MPIEnvironment.isLaunched(["OMPI_COMM_WORLD_SIZE": ""]))
    #expect(!MPIEnvironment.isLaunched(["SLURM_PROCID": "0", "SLURM_NTASKS": "4"]))
  }
}

@Suite struct MPIErrorTests {
  @Test func messagesAreOneLine() {
    let errors: [MPIError] = [
      .failed(call: "MPI_Bcast", status: 6, text: "invalid root"),
      .countTooLarge(call: "MPI_Allgatherv", count: 1 << 32), .noThreads, .finalized,
    ]
    for error in errors { #expect(!error.description.contains("\n")) }
  }
}
