import Core
import Foundation
import TestSupport
import Testing

/// Training that leaves the finite numbers: a line, status 1, no figure and no such archive.
@Suite struct DivergenceTests {
  private let tiny: TinyDataset

  init() throws { tiny = try TinyDataset() }

  private func attack(_ more: [String], ranks: Int = 1) throws -> ProcessOutput {
    let arguments = ["attack", "badnet", "--json"] + tiny.flags + more
    return ranks == 1
      ? try RunProcess.run(TinyDataset.program, arguments)
      : try RunProcess.mpirun(ranks, TinyDataset.program, arguments)
  }

  private func expectDiverged(_ output: ProcessOutput, _ words: [String]) {
    #expect(output.exitCode == 1, "\(output.standardError)")
    #expect(output.standardOutput.isEmpty)
    let said = output.errorLines.filter { $0.hasPrefix("fst: ") }
    #expect(said.count == 1, "\(output.standardError)")
    for word in words + ["nan or infinity", "--lr"] {
      #expect(said.first?.contains(word) == true, "\(said)")
    }
  }

  private func isFinite(_ model: StateDict) -> Bool {
    model.entries.allSatisfy { entry in
      if case .float32(let values) = entry.values { values.allSatisfy(\.isFinite) } else { true }
    }
  }

  @Test(arguments: [1, 2]) func anAttackThatDivergesEndsWithALine(ranks: Int) throws {
    let output = try attack(["--epochs", "3", "--lr", "1e12"], ranks: ranks)
    expectDiverged(
      output, ["attack badnet", "epoch 1", "learning rate 1000000000000.0", "nothing was saved"])
    #expect(!FileManager.default.fileExists(atPath: "\(tiny.runFolder)/attack_result.pt"))
  }

  @Test func whatIsBrokenAfterTheLastStepAloneIsNoResultEither() throws {
    // One step whose own loss is finite, as are not the parameters that it leaves.
    let output = try attack(["--epochs", "1", "--max_steps", "1", "--lr", "1e39"])
    expectDiverged(output, ["epoch 1 after step 1"])
    let files = try FileManager.default.contentsOfDirectory(atPath: tiny.runFolder)
    #expect(!files.contains { $0.hasSuffix(".pt") }, "\(files)")
  }

  @Test func finiteParametersWhoseLogitsAreNotAreNoResultEither() throws {
    let output = try attack(["--epochs", "1", "--max_steps", "1", "--lr", "1e30"])
    expectDiverged(output, ["epoch 1 after step 1"])
    #expect(!FileManager.default.fileExists(atPath: "\(tiny.runFolder)/attack_result.pt"))
  }

  @Test func theLastFiniteCheckpointStays() throws {
    let schedule = ["--lr_scheduler", "MultiStepLR", "--steplr_milestones", "1"]
    let output = try attack(
      ["--epochs", "3", "--lr", "0.001", "--steplr_gamma", "1e15", "--checkpoint_steps", "1"]
        + schedule)
    expectDiverged(output, ["epoch 2", "checkpoint is in \(tiny.runFolder)"])
    let archive = try AttackResult.read(path: "\(tiny.runFolder)/attack_result.pt")
    #expect(isFinite(archive.model))
    let checkpoints = CheckpointFolder(path: tiny.runFolder, keep: 1).files
    #expect(!checkpoints.isEmpty)
    for file in checkpoints { #expect(try isFinite(Checkpoint.read(path: file).model)) }
  }

  @Test(arguments: ["ft", "lp", "fst"]) func aTuningThatDivergesEndsWithALine(
    mode: String
  ) throws {
    #expect(try attack(["--epochs", "1"]).exitCode == 0)
    let tune = try RunProcess.run(
      TinyDataset.program,
      ["tune", "--attack", "badnet", "--epochs", "3", "--split_ratio", "1", "--lr", "1e39"]
        + ["--ft_mode", mode, "--save", "--json"] + tiny.flags)
    expectDiverged(tune, ["tune \(mode)", "epoch 1"])
    #expect(
      !FileManager.default.fileExists(
        atPath: "\(tiny.runFolder)/defense/\(mode)/defense_result.pt"))
  }

  @Test func trojannnsCleanModelIsNamed() throws {
    let output = try RunProcess.run(
      TinyDataset.program,
      ["attack", "trojannn", "--epochs", "2", "--lr", "1e12", "--json"] + tiny.flags)
    expectDiverged(output, ["clean model", "epoch 1"])
  }

  @Test func noRateIsMadeOfLogitsThatAreNoNumbers() throws {
    #expect(try attack(["--epochs", "1"]).exitCode == 0)
    let path = "\(tiny.runFolder)/attack_result.pt"
    var archive = try AttackResult.read(path: path)
    for (index, entry) in archive.model.entries.enumerated() {
      guard entry.name.hasSuffix("conv1.weight"), case .float32(let values) = entry.values else {
        continue
      }
      archive.model.entries[index].values = .float32(values.map { _ in 3e38 })
    }
    try archive.write(to: path)
    for command in [
      ["evaluate", path, "--json"],
      ["tune", "--result", tiny.runFolder, "--split_ratio", "0.5", "--json"],
      ["tsne", path, "--out", "\(tiny.folder)/a.svg", "--perplexity", "2", "--json"],
    ] {
      let output = try RunProcess.run(TinyDataset.program, command)
      #expect(output.exitCode == 1, "\(command)")
      #expect(output.standardOutput.isEmpty)
      let said = output.errorLines.filter { $0.hasPrefix("fst: ") }
      #expect(said.count == 1 && said[0].hasPrefix("fst: \(path): "), "\(said)")
    }
  }

  @Test(arguments: [1, 2]) func aSweepTellsItAndGoesOn(ranks: Int) throws {
    let plan = "\(tiny.folder)/plan.yaml"
    let text = """
      modes: [ft, fst]
      dataset: image_folder
      dataset_path: \(tiny.folder)/data
      record: \(tiny.record)
      threads: 1
      batch_size: 10
      split_ratio: 0.5
      attack:
        width: 4
        epochs: 1
      tune:
        epochs: 3
        lr: 1.0e+38
      """
    func sweep(_ text: String) throws -> (output: ProcessOutput, outcomes: [String]) {
      try Data(text.utf8).write(to: URL(fileURLWithPath: plan))
      let arguments = ["sweep", plan, "--json"]
      let output =
        ranks == 1
        ? try RunProcess.run(TinyDataset.program, arguments)
        : try RunProcess.mpirun(ranks, TinyDataset.program, arguments)
      let rows = try AttackTable.rows(of: "\(tiny.record)/sweep/plan/results.csv")
      return (output, rows.map { $0["outcome"] ?? "" })
    }
    let first = try sweep(text)
    #expect(first.output.exitCode == 1)
    #expect((first.output.lastJSON?["failed"] as? [Any])?.count == 2)
    #expect(first.outcomes == ["done", "diverged", "diverged"])
    let table = try String(
      contentsOfFile: "\(tiny.record)/sweep/plan/results.md", encoding: .utf8)
    #expect(table.contains("1 of 3 runs, 2 diverged"))
    #expect(table.contains("| ft |  | 0 + 1 diverged |  |  |  |  |"))
    let second = try sweep(text.replacingOccurrences(of: "1.0e+38", with: "0.01"))
    #expect(second.output.exitCode == 0, "\(second.output.standardError)")
    #expect(second.outcomes == ["done", "done", "done"])
  }
}

/// A CSV file with a line of names.
private enum AttackTable {
  static func rows(of path: String) throws -> [[String: String]] {
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    return lines.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(lines[0], $0)) }
  }
}
