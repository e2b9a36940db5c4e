import Foundation
import TestSupport
import Testing

/// What `--resume` repairs and refuses, and what a second run in the same place leaves alone.
@Suite struct ResumeTests {
  private func attack(_ tiny: TinyDataset, _ more: [String]) throws -> ProcessOutput {
    try RunProcess.run(
      TinyDataset.program, ["attack", "badnet", "--epochs", "2"] + tiny.flags + more)
  }

  private func content(_ path: String) -> Data? { FileManager.default.contents(atPath: path) }

  @Test func aRunCutOffAfterItsLastCheckpointGetsItsArchive() throws {
    let tiny = try TinyDataset()
    #expect(try attack(tiny, []).exitCode == 0)
    let names = ["attack_result.pt", "attack_df.csv", "attack_df_summary.csv"]
    let paths = names.map { "\(tiny.runFolder)/\($0)" }
    let whole = paths.map { content($0) }
    #expect(!whole.contains(nil))
    for path in paths { try FileManager.default.removeItem(atPath: path) }
    let leftover = "\(tiny.runFolder)/.attack_result.pt.abc.tmp"
    try Data("half".utf8).write(to: URL(fileURLWithPath: leftover))
    let resumed = try attack(tiny, ["--resume"])
    #expect(resumed.exitCode == 0, "\(resumed.standardError)")
    #expect(paths.map { content($0) } == whole)
    #expect(content(leftover) == nil)
  }

  @Test(arguments: [
    (["--sync_bn"], "sync_bn was false and is true now"),
    (["--max_steps", "3"], "max_steps was none and is 3 now"),
    (["--lr", "0.5"], "lr_scheduler was"),
    (["--attack_target", "0", "--sig_f", "3"], ""),
    (["--patch_mask_path", "data/train/dark/0.ppm"], "the images, labels or triggers"),
  ])
  func onlyTheSameSettingsAreGoneOnWith(changed: [String], complaint: String) throws {
    let tiny = try TinyDataset()
    #expect(try attack(tiny, []).exitCode == 0)
    let changed = changed.map { $0.hasPrefix("data/") ? "\(tiny.folder)/\($0)" : $0 }
    let before = content("\(tiny.runFolder)/attack_result.pt")
    let resumed = try attack(tiny, ["--resume"] + changed)
    #expect(resumed.exitCode == (complaint.isEmpty ? 0 : 1))
    #expect(complaint.isEmpty || resumed.errorLines.count == 1)
    #expect(complaint.isEmpty || resumed.standardError.contains(complaint))
    #expect(content("\(tiny.runFolder)/attack_result.pt") == before)
  }

  @Test func aSecondRunLogsInItsOwnFolder() throws {
    let tiny = try TinyDataset()
    for _ in 0..<2 { #expect(try attack(tiny, ["--device", "cpu"]).exitCode == 0) }
    for folder in [tiny.runFolder, "\(tiny.runFolder).earlier-1"] {
      let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      let logs = names.filter { $0.hasSuffix(".log") }
      #expect(logs.count == 1)
      let text = logs.first.flatMap { content("\(folder)/\($0)") } ?? Data()
      #expect(String(decoding: text, as: UTF8.self).contains("warning: no effect on a CPU: device"))
    }
  }

  @Test func anInterruptedTuningWithoutSaveEndsAtOnceAndLeavesNothing() throws {
    let tiny = try TinyDataset()
    #expect(try attack(tiny, []).exitCode == 0)
    let tune = try RunningProcess(
      TinyDataset.program,
      ["tune", "--attack", "badnet", "--epochs", "1000000", "--split_ratio", "0.5"] + tiny.flags)
    let end = Date().addingTimeInterval(RunProcess.hangLimit)
    while !tune.errorSoFar.contains("epoch 2/"), Date() < end {
      Thread.sleep(forTimeInterval: 0.02)
    }
    tune.send(SIGTERM)
    let output = tune.wait()
    #expect(output.exitCode == 75)
    #expect(output.outputLines.contains { $0.hasPrefix("ASR") && $0.hasSuffix("-") })
    #expect(output.standardError.contains("; nothing was saved"))
    #expect(content("\(tiny.runFolder)/defense") == nil)
  }
}
