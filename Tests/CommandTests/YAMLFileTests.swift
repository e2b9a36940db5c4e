import Core
import Foundation
import TestSupport
import Testing

/// Settings files as other tools and editors write them, and files that are made to cost much.
@Suite struct YAMLFileTests {
  private func attack(_ tiny: TinyDataset, _ text: String) throws -> ProcessOutput {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(tiny.folder)/s.yaml"))
    return try RunProcess.run(
      TinyDataset.program,
      ["attack", "badnet", "--max_steps", "1", "--yaml_path", "\(tiny.folder)/s.yaml"] + tiny.flags,
      timeout: 120)
  }

  @Test(arguments: [
    "common: &common\n  lr: 0.05\n  epochs: 1\n<<: *common\n", "<<: {lr: 0.05, epochs: 1}\n",
    "lb_smooth: none\nepochs: 1\n", "\u{FEFF}epochs: 1\r\nlr: 0.05\r\n",
    "epochs: 1\r\n" + String(repeating: "# a comment\r\n", count: 200),
  ])
  func aFileOfAnyStyleIsTaken(text: String) throws {
    let tiny = try TinyDataset()
    let output = try attack(tiny, text)
    #expect(output.exitCode == 0, "\(output.standardError)")
    let info = try InfoFile.read(path: "\(tiny.runFolder)/info.pickle")
    #expect(info.last { $0.key.text == "epochs" }?.value.number == 1)
    #expect(info.last { $0.key.text == "common" } == nil)
  }

  @Test func anOctalNumberIsEight() throws {
    let tiny = try TinyDataset()
    let output = try attack(tiny, "random_seed: 010\nepochs: 1\n")
    #expect(output.exitCode == 0, "\(output.standardError)")
    let info = try InfoFile.read(path: "\(tiny.runFolder)/info.pickle")
    #expect(info.last { $0.key.text == "random_seed" }?.value.number == 8)
  }

  @Test func aSeedUnderTwoNamesIsRefused() throws {
    let output = try attack(try TinyDataset(), "random_seed: 3\nseed: 4\n")
    #expect(output.exitCode == 64)
    #expect(output.errorLines.count == 1)
    #expect(output.standardError.contains("s.yaml:2: seed: given twice"))
  }

  @Test(arguments: [["attack", "badnet", "--yaml_path"], ["sweep", "--dry_run"]])
  func aliasesAsAKeyAreRefusedAtOnce(command: [String]) throws {
    let tiny = try TinyDataset()
    let levels = (1..<40).map { "k\($0): &k\($0) [*k\($0 - 1), *k\($0 - 1)]\n" }.joined()
    let path = "\(tiny.folder)/bomb.yaml"
    try Data("k0: &k0 [x, x]\n\(levels)? *k39\n: 1\n".utf8).write(to: URL(fileURLWithPath: path))
    let output = try RunProcess.run(TinyDataset.program, command + [path])
    #expect(output.exitCode == 64)
    #expect(output.errorLines.count == 1)
    #expect(output.standardError.contains("aliases written out"))
  }

  @Test func aPlanOfMillionsOfRunsIsRefusedAtOnce() throws {
    let tiny = try TinyDataset()
    let list = (0..<2000).map { "\n- \($0)" }.joined()
    let path = "\(tiny.folder)/plan.yaml"
    try Data("attack_seeds:\(list)\ntuning_seeds:\(list)\n".utf8).write(
      to: URL(fileURLWithPath: path))
    let output = try RunProcess.run(
      TinyDataset.program, ["sweep", path, "--dry_run"])
    #expect(output.exitCode == 64)
    #expect(output.standardError.contains("expected at most 5000 runs in a plan, found 2000 "))
  }

  @Test func aDefencesFileNamesTheShareOfCleanImages() throws {
    let tiny = try TinyDataset()
    #expect(try attack(tiny, "epochs: 1\n").exitCode == 0)
    let path = "\(tiny.folder)/ft.yaml"
    try Data("checkpoint_load:\ncheckpoint_save:\nlog:\nratio: 0.5\nindex:\n".utf8).write(
      to: URL(fileURLWithPath: path))
    let output = try RunProcess.run(
      TinyDataset.program,
      ["tune", "--attack", "badnet", "--max_steps", "1", "--yaml_path", path] + tiny.flags)
    #expect(output.exitCode == 0, "\(output.standardError)")
    #expect(output.standardError.contains("on 20 clean images"))
  }
}
