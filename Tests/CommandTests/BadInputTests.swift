import Core
import Foundation
import TestSupport
import Testing

/// Settings, archives and folders that do not fit: one line that says so, alone and under mpirun.
@Suite struct BadInputTests {
  /// Runs the program alone and on two ranks; both must fail with the one line that is returned.
  private func failure(_ arguments: [String]) throws -> String {
    let alone = try RunProcess.run(TinyDataset.program, arguments)
    let together = try RunProcess.mpirun(2, TinyDataset.program, arguments)
    let said = [alone, together].map { output in
      output.errorLines.filter { $0.hasPrefix("fst: ") || $0.hasPrefix("Error: ") }
    }
    #expect(alone.exitCode == 1 && together.exitCode == 1, "\(said)")
    #expect(said[0].count == 1 && said[0] == said[1], "\(said)")
    return said[0].first ?? ""
  }

  @Test(arguments: ["1", "0.001"])
  func aHeldOutShareOfAllOrOfNothingIsRefused(ratio: String) throws {
    let tiny = try TinyDataset()
    let line = try failure(
      ["attack", "badnet", "--tuning_split", "held_out", "--split_ratio", ratio] + tiny.flags)
    #expect(line.contains("split_ratio"))
    #expect(!FileManager.default.fileExists(atPath: tiny.record))
  }

  @Test func aModelBeyondAllMemoryIsRefusedBeforeMemoryIsTaken() throws {
    let tiny = try TinyDataset()
    #expect(try failure(["attack", "badnet"] + tiny.flags + ["--width", "4096"]).contains("GiB"))
  }

  @Test func aFileInTheRecordsPlaceIsNamedWithoutARank() throws {
    let tiny = try TinyDataset()
    try Data().write(to: URL(fileURLWithPath: tiny.record))
    let line = try failure(["attack", "badnet"] + tiny.flags)
    #expect(line.hasPrefix("fst: cannot create the folder "))
    #expect(line.contains(tiny.record))
  }

  @Test func anArchiveWithoutTheModelsLargestTensorsIsRefused() throws {
    let tiny = try TinyDataset()
    let path = "\(tiny.folder)/defense_result.pt"
    func zeros(_ name: String, _ shape: [Int]) -> StateDict.Entry {
      .init(
        name: name, shape: shape,
        values: .float32([Float](repeating: 0, count: shape.reduce(1, *))))
    }
    try DefenseResult(
      model: StateDict([
        zeros("conv1.weight", [50_000, 3, 3, 3]), zeros("linear.weight", [2, 400_000]),
      ])
    ).write(to: path)
    let line = try failure(
      ["evaluate", path, "--dataset", "image_folder", "--dataset_path", "\(tiny.folder)/data"])
    #expect(line.contains("expected the tensors of one of resnet18") && line.contains("found 2"))
  }

  @Test func tuningRefusesWhatContradictsTheArchive() throws {
    let tiny = try TinyDataset()
    let attack = try RunProcess.run(
      TinyDataset.program,
      ["attack", "badnet", "--epochs", "1", "--attack_label_trans", "all2all"] + tiny.flags)
    #expect(attack.exitCode == 0, "\(attack.standardError)")
    let tune = ["tune", "--attack", "badnet", "--result", tiny.runFolder] + tiny.flags
    #expect(
      try failure(tune + ["--attack_label_trans", "all2one"])
        .contains("attack_label_trans is all2all in the archive"))
    #expect(
      try failure(tune + ["--attack_label_trans", "all2all", "--tuning_split", "held_out"])
        .contains("--split_ratio"))
    #expect(
      try failure(tune + ["--attack_label_trans", "all2all", "--model", "preactresnet18"])
        .contains("model is resnet18"))
  }

  @Test func aBatchLargerThanAnyMemoryIsOneBatchOfAllImages() throws {
    let tiny = try TinyDataset()
    let attack = try RunProcess.run(
      TinyDataset.program,
      ["attack", "badnet", "--epochs", "1"] + tiny.flags + ["--batch_size", "1000000000"])
    #expect(attack.exitCode == 0, "\(attack.standardError)")
    let tune = try RunProcess.run(
      TinyDataset.program,
      ["tune", "--attack", "badnet", "--epochs", "1", "--split_ratio", "0.5"] + tiny.flags
        + ["--batch_size", "1000000000"])
    #expect(tune.exitCode == 0, "\(tune.standardError)")
  }

  /// Attacks that poison before training and in the loop prepare by themselves; their ranks still
  /// fail together.
  @Test(arguments: [
    "badnet", "sig", "wanet", "bpp", "inputaware", "blind", "lira", "badnet_bypass",
  ])
  func aTargetThatIsNoClassOfAFolderIsAMistakeOfFlags(attack: String) throws {
    let tiny = try TinyDataset()
    let arguments = ["attack", attack, "--attack_target", "2"] + tiny.flags
    let alone = try RunProcess.run(TinyDataset.program, arguments)
    let together = try RunProcess.mpirun(2, TinyDataset.program, arguments)
    let line = "fst: attack_target: expected a class in 0...1, found 2"
    for output in [alone, together] {
      #expect(output.exitCode == 64)
      #expect(output.errorLines.filter { $0.hasPrefix("fst: ") } == [line])
    }
  }
}
