import Core
import Foundation
import TestSupport
import Testing

/// Folders and archives that pass from one user to another.
@Suite struct ForeignFilesTests {
  @Test func aLockThatIsALinkEndsTheRunWithALine() throws {
    let tiny = try TinyDataset()
    let victim = "\(tiny.folder)/victim"
    try FileManager.default.createDirectory(
      atPath: tiny.runFolder, withIntermediateDirectories: true)
    try Data("precious".utf8).write(to: URL(fileURLWithPath: victim))
    try FileManager.default.createSymbolicLink(
      atPath: "\(tiny.runFolder)/.lock", withDestinationPath: victim)
    let output = try RunProcess.run(
      TinyDataset.program, ["attack", "badnet", "--epochs", "1", "--max_steps", "1"] + tiny.flags)
    #expect(output.exitCode == 1)
    #expect(output.standardError.contains("a symbolic link"))
    #expect(try Data(contentsOf: URL(fileURLWithPath: victim)) == Data("precious".utf8))
  }

  /// By default an archive tells nothing of where its machine keeps things, and is read here anyway.
  @Test func pathsInAnArchiveAreThoseAsked() throws {
    for form in [ArchivePaths.relative, .absolute] {
      let tiny = try TinyDataset()
      let output = try RunProcess.run(
        TinyDataset.program,
        ["attack", "badnet", "--epochs", "1", "--max_steps", "1"]
          + (form == .relative ? [] : ["--archive_paths", form.rawValue]) + tiny.flags)
      #expect(output.exitCode == 0)
      let archive = "\(tiny.runFolder)/attack_result.pt"
      let bytes = try Data(contentsOf: URL(fileURLWithPath: archive))
      #expect((bytes.range(of: Data(tiny.folder.utf8)) == nil) == (form == .relative))
      let result = try AttackResult.read(path: archive)
      let place = "record/image_folder/badnet/pratio_0.1-target_0-archi_resnet18/bd_test_dataset"
      #expect(result.backdoorTest.saveFolderPath.hasSuffix(place))
      #expect(result.backdoorTest.entries.first?.path.hasSuffix("\(place)/1/8.png") == true)
      #expect(result.dataPath == (form == .relative ? "data" : "\(tiny.folder)/data"))
      let figures = try RunProcess.run(TinyDataset.program, ["evaluate", archive, "--json"])
      #expect(figures.exitCode == 0, "\(figures.standardError)")
    }
  }

  @Test func aCheckpointOfHostileNumbersIsPassedOver() throws {
    let run = InProcessRun(try TinyDataset(), record: "hostile")
    let stopped = try run.attack(keep: 3) { step, interruption in
      if step == 9 { interruption.request() }
    }
    #expect(stopped.outcome.stopped?.epoch == 2)
    let newest = try #require(CheckpointFolder(path: run.folder, keep: 3).files.first)
    var hostile = try Checkpoint.read(path: newest)
    // A row of a tuning: its checksum is right, its columns are not an attack's.
    hostile.rows = hostile.rows.map { Array($0.prefix(AttackDataFrame.fineTuningColumns.count)) }
    try hostile.write(to: newest)
    let resumed = try run.attack(resume: .on)
    #expect(resumed.outcome.stopped == nil && resumed.outcome.finishedEpochs == 3)
    #expect(resumed.said.contains { $0.contains("expected 12 values") })
    #expect(resumed.said.contains("going on from an earlier checkpoint"))
  }
}
