import Foundation
import TestSupport
import Testing

/// A disk that fails under rank 0 ends all ranks with one line, and what was archived stays whole.
@Suite struct DiskFailureTests {
  /// Attacks on `ranks` ranks and lets `act` break something once the first epoch is archived.
  private func breakRunningAttack(
    ranks: Int, _ tiny: TinyDataset, _ act: () throws -> Void
  ) throws -> ProcessOutput {
    let attack = try RunningProcess(
      "/usr/bin/env",
      (ranks == 1 ? [] : RunProcess.mpirunCommand(ranks))
        + [TinyDataset.program, "attack", "badnet", "--epochs", "1000000"] + tiny.flags)
    #expect(tiny.waitForEpochs(1), "\(attack.errorSoFar)")
    try act()
    return attack.wait()
  }

  private func expectClearEnd(_ output: ProcessOutput, saying reason: String) {
    #expect(!output.timedOut)
    #expect(output.exitCode == 1)
    let said = output.errorLines.filter { $0.hasPrefix("fst: ") }
    #expect(said.count == 1, "\(output.standardError)")
    #expect(said.first?.contains(reason) == true, "\(said)")
  }

  @Test(arguments: [1, 2]) func aVanishedFolderEndsTheRun(ranks: Int) throws {
    let tiny = try TinyDataset()
    let output = try breakRunningAttack(ranks: ranks, tiny) {
      try FileManager.default.moveItem(atPath: tiny.record, toPath: "\(tiny.record)-away")
    }
    expectClearEnd(output, saying: "No such file or directory")
  }

  /// The limit admits the archive (about 230 KB) and stops a frame or a log that has grown.
  @Test(arguments: [1, 2]) func aFileOverTheLimitLeavesTheArchiveWhole(ranks: Int) throws {
    let tiny = try TinyDataset()
    let attack = ["attack", "badnet", "--epochs", "2"] + tiny.flags
    #expect(try RunProcess.run(TinyDataset.program, attack).exitCode == 0)
    let archive = "\(tiny.runFolder)/attack_result.pt"
    let before = FileManager.default.contents(atPath: archive)
    let words = ([TinyDataset.program] + attack + ["--resume"]).map { "'\($0)'" }
    let shell = ["/bin/bash", "-c", "ulimit -f 60; exec " + words.joined(separator: " ")]
    let limited = try RunProcess.run(
      "/usr/bin/env", (ranks == 1 ? [] : RunProcess.mpirunCommand(ranks)) + shell)
    expectClearEnd(limited, saying: "File too large")
    #expect(FileManager.default.contents(atPath: archive) == before)
    #expect(before != nil)
  }

  /// A run whose record is a small file system of its own, which `shell` fills or closes first.
  private func attackInSmallFileSystem(
    ranks: Int, _ tiny: TinyDataset, _ shell: String, more: [String]
  ) throws -> ProcessOutput {
    let words =
      (ranks == 1 ? [] : RunProcess.mpirunCommand(ranks))
      + [TinyDataset.program, "attack", "badnet"] + tiny.flags + more
    let mount = "mkdir -p '\(tiny.record)' && mount -t tmpfs -o size=1m tmpfs '\(tiny.record)'"
    let command = words.map { "'\($0)'" }.joined(separator: " ")
    return try RunProcess.run(
      "/usr/bin/env",
      ["unshare", "--mount", "/bin/bash", "-c", "\(mount) || exit 99; \(shell) \(command)"])
  }

  private static let canMount: Bool = {
    let tried = try? RunProcess.run(
      "/usr/bin/env", ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
    let can = tried?.exitCode == 0
    if !can { print("DiskFailureTests: full and read-only disks skipped: mounting needs root") }
    return can
  }()

  @Test(.enabled(if: canMount), arguments: [1, 2]) func aFullDiskEndsTheRun(ranks: Int) throws {
    let tiny = try TinyDataset()
    let output = try attackInSmallFileSystem(
      ranks: ranks, tiny, "", more: ["--epochs", "1000000", "--keep_checkpoints", "100"])
    expectClearEnd(output, saying: "No space left on device")
    #expect(output.standardError.contains("epoch 1/"))
  }

  @Test(.enabled(if: canMount), arguments: [1, 2]) func aReadOnlyFolderIsRefused(ranks: Int) throws
  {
    let tiny = try TinyDataset()
    let output = try attackInSmallFileSystem(
      ranks: ranks, tiny, "mount -o remount,ro '\(tiny.record)';", more: ["--epochs", "1"])
    expectClearEnd(output, saying: "Read-only file system")
  }
}
