import Core
import Foundation
import TestSupport
import Testing

/// What a run says of settings that are allowed and rarely meant.
@Suite struct NoteTests {
  private func said(
    _ tiny: TinyDataset, _ arguments: [String], command: [String] = ["attack", "badnet"]
  ) throws -> String {
    let output = try RunProcess.run(
      TinyDataset.program, command + ["--epochs", "1"] + tiny.flags + arguments)
    #expect(output.exitCode == 0, "\(output.standardError)")
    return output.standardError
  }

  @Test func noPoisonedImageIsAWarning() throws {
    let tiny = try TinyDataset()
    let line = "warning: no image is poisoned: pratio 0.01 of 40 training images"
    #expect(try said(tiny, ["--pratio", "0.01"]).contains(line))
    #expect(try !said(tiny, ["--pratio", "0"]).contains("no image is poisoned"))
    #expect(try !said(tiny, []).contains("warning: "))
  }

  @Test func imagesThatFillNoBatchAreCounted() throws {
    let tiny = try TinyDataset()
    #expect(
      try said(tiny, ["--batch_size", "15"]).contains(
        "warning: each epoch leaves out 10 of 40 training images, other ones each time"))
    #expect(try !said(tiny, ["--batch_size", "39"]).contains("leaves out"))
    #expect(try !said(tiny, ["--batch_size", "50"]).contains("leaves out"))
  }

  @Test func settingsThatAreRarelyMeantAreWarnings() throws {
    let tiny = try TinyDataset()
    let attack = try said(tiny, ["--lr", "0", "--threads", "200"])
    #expect(attack.contains("warning: lr is 0: no weight will change\n"))
    #expect(attack.contains("200 threads on "))
    let tune = ["tune", "--attack", "badnet", "--split_ratio", "0.5"]
    let tuned = try said(tiny, ["--alpha", "-0.1", "--resume"], command: tune)
    #expect(tuned.contains("warning: alpha is negative: "))
    #expect(tuned.contains("nothing to go on from without --save\n"))
  }

  @Test func aTargetIsNamedByItsClass() throws {
    let tiny = try TinyDataset()
    #expect(try said(tiny, ["--attack_target", "1"]).contains("; target 1 (class 'dark')\n"))
    for split in ["train", "test"] {
      for (old, new) in [("bright", "10"), ("dark", "9")] {
        try FileManager.default.moveItem(
          atPath: "\(tiny.folder)/data/\(split)/\(old)",
          toPath: "\(tiny.folder)/data/\(split)/\(new)")
      }
    }
    let said = try said(tiny, ["--attack_target", "0"])
    #expect(said.contains("warning: target 0 is class '10': classes are counted in the order of "))
  }

  @Test(arguments: ["false", "off", "no", "true", "auto", "True"])
  func resumeTakesTheWordsOfAYAMLFile(word: String) throws {
    let tiny = try TinyDataset()
    let text = try said(tiny, ["--resume", word])
    let isOff = ["false", "off", "no"].contains(word)
    #expect(text.contains("no checkpoint, starting anew\n") == !isOff)
  }

  @Test func aRunThatIsStoppedBeforeItsFirstEpochIsOverShowsNoRates() throws {
    let tiny = try TinyDataset()
    let flags = ["attack", "badnet", "--epochs", "1"] + tiny.flags + ["--batch_size", "1"]
    let run = try RunningProcess(TinyDataset.program, flags + ["--checkpoint_steps", "1"])
    let end = Date().addingTimeInterval(RunProcess.hangLimit)
    let checkpoints = CheckpointFolder(path: tiny.runFolder, keep: 1)
    while run.isRunning, Date() < end, checkpoints.files.isEmpty {
      Thread.sleep(forTimeInterval: 0.01)
    }
    run.send(SIGTERM)
    let output = run.wait()
    #expect(output.exitCode == 75, "\(output.standardError)")
    #expect(output.standardOutput.hasPrefix("folder  "))
    #expect(!output.standardOutput.contains("0 of 0"))
  }
}
