import Foundation
import TestSupport
import Testing

/// Launchers that are not Open MPI's, bindings, and limits of the shell, as the program meets them.
@Suite(.serialized) struct LauncherTests {
  private let program = TinyDataset.program
  private static let hydra = ["PMI_SIZE": "2", "PMI_RANK": "0"]
  private static let slurm = [
    "SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "0", "SLURM_STEP_ID": "0", "SLURM_NTASKS": "2",
  ]

  @Test(arguments: [hydra, slurm]) func worldsOfOneThatShouldBeRanksDoNotTrain(
    variables: [String: String]
  ) throws {
    let tiny = try TinyDataset()
    for command in [
      ["attack", "badnet"] + tiny.flags, ["tune", "--attack", "badnet"] + tiny.flags,
    ] {
      let output = try RunProcess.run(program, command, environment: variables)
      #expect(output.exitCode == 64)
      #expect(output.errorLines.count == 1 && output.standardError.hasPrefix("fst: "))
      #expect(output.standardError.contains("world of one"), "\(output.standardError)")
    }
    #expect(!FileManager.default.fileExists(atPath: tiny.record))
  }

  @Test func ofThoseThatDoNotTrainOnlyTheFirstWarns() throws {
    for rank in 0...1 {
      let output = try RunProcess.run(
        program, ["inspect", "/nowhere/none.pt"],
        environment: ["PMI_SIZE": "2", "PMI_RANK": "\(rank)"])
      // Of several ranks one alone inspects.
      #expect(output.exitCode == (rank == 0 ? 1 : 0))
      let warnings = output.errorLines.filter { $0.hasPrefix("warning: PMI_SIZE=2") }
      #expect(warnings.count == (rank == 0 ? 1 : 0), "\(output.standardError)")
    }
  }

  @Test(arguments: [hydra, slurm]) func theDoctorCallsItBroken(variables: [String: String]) throws {
    let output = try RunProcess.run(program, ["doctor"], environment: variables)
    #expect(output.exitCode == 1)
    #expect(output.outputLines.filter { $0.hasPrefix("broken: ") }.count == 1)
  }

  @Test func aBatchScriptsShellIsNoLauncher() throws {
    let output = try RunProcess.run(
      program, ["doctor"],
      environment: ["SLURM_JOB_ID": "1", "SLURM_PROCID": "0", "SLURM_NTASKS": "2"])
    #expect(output.exitCode == 0, "\(output.standardOutput)")
  }

  @Test func aMaskOfOneProcessorMakesOneThread() throws {
    let output = try RunProcess.run(
      "/usr/bin/env", ["taskset", "-c", "0", program, "doctor", "--json"])
    let ranks = try #require(output.lastJSON?["ranks"] as? [[String: Any]])
    #expect(ranks.first?["threads"] as? Int == 1)
    #expect(ranks.first?["usable_cores"] as? [Int] == [0])
  }

  @Test func moreThreadsThanCoresOfTheBindingAreTold() throws {
    let output = try RunProcess.run(
      "/usr/bin/env",
      [
        "mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "core", "-np", "1",
        program, "bench", "step", "--width", "1", "--batch_size", "2", "--steps", "1", "--threads",
        "2",
      ])
    let said = output.errorLines.filter { $0.hasPrefix("warning: ") }
    #expect(said.count == 1, "\(output.standardError)")
    for word in ["2 threads", "bound to one core", "--bind-to none", "--map-by"] {
      #expect(said.first?.contains(word) == true, "\(said)")
    }
  }

  @Test(arguments: [4, 8]) func tooFewOpenFilesAreOneLine(limit: Int) throws {
    let output = try shell("ulimit -n \(limit); exec \"$0\" inspect none.pt")
    #expect(output.exitCode == 1)
    #expect(output.errorLines.count == 1 && output.standardError.contains("ulimit -n"))
  }

  @Test(arguments: [250_000, 400_000]) func littleAddressSpaceStopsNoReader(limit: Int) throws {
    let output = try shell("ulimit -v \(limit); exec \"$0\" inspect none.pt")
    #expect(!output.timedOut)
    #expect(output.exitCode == 1 && output.errorLines.count == 1, "\(output.standardError)")
  }

  @Test func tooLittleAddressSpaceForAProductIsOneLine() throws {
    let output = try shell(
      "ulimit -v 500000; exec \"$0\" bench step --width 1 --batch_size 2 --steps 1 --threads 64")
    #expect(!output.timedOut && output.exitCode == 1)
    #expect(output.errorLines.count == 1, "\(output.standardError)")
    #expect(output.standardError.hasPrefix("fst: ") && output.standardError.contains("ulimit -v"))
  }

  private func shell(_ text: String) throws -> ProcessOutput {
    try RunProcess.run("/bin/sh", ["-c", text, program])
  }
}
