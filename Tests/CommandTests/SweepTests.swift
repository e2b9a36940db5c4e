import Foundation
import TestSupport
import Testing

/// Sweeps as a user runs them, on forty images.
@Suite struct SweepTests {
  /// A plan beside a tiny dataset; it owns neither the runs nor their folder.
  private struct Plan {
    let tiny: TinyDataset
    let path: String

    init(_ lists: String, attack: String = "epochs: 1", tune: String = "epochs: 1") throws {
      tiny = try TinyDataset()
      path = "\(tiny.folder)/plan.yaml"
      try write(lists, attack: attack, tune: tune)
    }

    func write(_ lists: String, attack: String = "epochs: 1", tune: String = "epochs: 1") throws {
      let text = """
        \(lists)
        dataset: image_folder
        dataset_path: \(tiny.folder)/data
        record: \(tiny.record)
        threads: 1
        batch_size: 10
        split_ratio: 0.5
        attack:
          width: 4
          \(attack)
        tune:
          \(tune)
        """
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    var results: String { "\(tiny.record)/sweep/plan" }

    func sweep(_ more: [String] = [], ranks: Int = 1) throws -> ProcessOutput {
      let arguments = ["sweep", path, "--json"] + more
      return ranks == 1
        ? try RunProcess.run(TinyDataset.program, arguments)
        : try RunProcess.mpirun(ranks, TinyDataset.program, arguments)
    }

    func rows() throws -> [String] {
      try String(contentsOfFile: "\(results)/results.csv", encoding: .utf8)
        .split(separator: "\n").dropFirst().map(String.init)
    }
  }

  /// Runs that were finished before, and those that were done.
  private func counts(_ output: ProcessOutput) -> [Int?] {
    ["finished_before", "finished_now", "waiting"].map { output.lastJSON?[$0] as? Int }
  }

  private static let lists = """
    attacks: [badnet, blended]
    clean: true
    modes: [ft, fst]
    tuning_seeds: [0, 1]
    """

  @Test func trojannnTakesThePlansCleanModel() throws {
    let plan = try Plan("attacks: [trojannn, badnet]\nclean: true\nmodes: [ft]")
    let output = try plan.sweep()
    #expect(output.exitCode == 0, "\(output.standardError)")
    #expect(counts(output) == [0, 5, 0])
    #expect(output.standardError.contains("badnet/pratio_0.0-target_0-archi_resnet18/attack_res"))
    #expect(!output.standardError.contains("trojannn needs a clean model"))
    #expect(counts(try plan.sweep()) == [5, 0, 0])
  }

  @Test func whatIsFinishedIsNotDoneAgainAndWhatChangedIs() throws {
    let plan = try Plan(Self.lists)
    let first = try plan.sweep()
    #expect(first.exitCode == 0, "\(first.standardError)")
    #expect(counts(first) == [0, 11, 0])
    let rows = try plan.rows()
    #expect(rows.count == 11)
    let again = try plan.sweep()
    #expect(again.exitCode == 0)
    #expect(counts(again) == [11, 0, 0])
    #expect(try plan.rows() == rows)

    try plan.write(Self.lists, tune: "lr: 0.02")
    #expect(counts(try plan.sweep(["--only", "blended"])) == [1, 4, 0])
    try plan.write(Self.lists)
    #expect(counts(try plan.sweep()) == [11, 0, 0], "the earlier results are still there")

    try plan.write(Self.lists, attack: "epochs: 2")
    let retrained = try plan.sweep(["--only", "badnet"])
    #expect(counts(retrained) == [0, 5, 0])
    #expect(FileManager.default.fileExists(atPath: "\(plan.tiny.runFolder).earlier-1"))
  }

  @Test func aTuningGivesTheFiguresOfTheCommand() throws {
    let plan = try Plan("modes: [fst]\nalphas: [0.1]\ntuning_seeds: [3]\nsave: none")
    #expect(try plan.sweep().exitCode == 0)
    let tune = try RunProcess.run(
      TinyDataset.program,
      ["tune", "--attack", "badnet", "--epochs", "1", "--split_ratio", "0.5", "--alpha", "0.1"]
        + ["--seed", "3", "--json"] + plan.tiny.flags)
    let cells = try #require(plan.rows().last).split(
      separator: ",", omittingEmptySubsequences: false)
    for (object, columns) in [("before", 12..<15), ("after", 15..<18)] {
      let counts = try #require(tune.lastJSON?[object] as? [String: Any])
      let expected = ["clean_correct", "attack_successes", "robust_correct"].map {
        counts[$0] as? Int
      }
      #expect(columns.map { Int(cells[$0]) } == expected)
    }
    #expect(!FileManager.default.fileExists(atPath: "\(plan.tiny.runFolder)/defense"))
  }

  @Test func runFoldersOfTheAttackCommandAreTakenOver() throws {
    let plan = try Plan("modes: [ft]")
    let attack = try RunProcess.run(
      TinyDataset.program,
      ["attack", "badnet", "--epochs", "1"] + plan.tiny.flags + ["--threads", "2"])
    #expect(attack.exitCode == 0)
    let archive = "\(plan.tiny.runFolder)/attack_result.pt"
    let before = FileManager.default.contents(atPath: archive)
    let sweep = try plan.sweep(["--no_attacks"])
    #expect(sweep.exitCode == 0, "\(sweep.standardError)")
    #expect(counts(sweep) == [0, 2, 0])
    #expect(FileManager.default.contents(atPath: archive) == before)
    #expect(
      FileManager.default.fileExists(
        atPath: "\(plan.tiny.runFolder)/defense/ft/defense_result.pt"))

    try plan.write("modes: [ft]\npratios: [0.1, 0.2]", attack: "lr: 0.05")
    #expect(counts(try plan.sweep(["--no_attacks"])) == [0, 0, 4])
    #expect(FileManager.default.contents(atPath: archive) == before)
  }

  /// sig poisons images of one class alone, half of them here.
  @Test(arguments: [1, 2]) func aFailureStopsNothingElseAndIsTold(ranks: Int) throws {
    let plan = try Plan("attacks: [sig, badnet]\npratios: [0.6]\nmodes: [ft]")
    let sweep = try plan.sweep(ranks: ranks)
    #expect(sweep.exitCode != 0)
    let failed = try #require(sweep.lastJSON?["failed"] as? [[String: Any]])
    #expect(failed.count == 1)
    #expect(failed.first?["run"] as? String == "sig-pratio_0.6-seed_0")
    let said = sweep.errorLines.filter { $0.hasPrefix("fst: ") }
    #expect(said.count == 1, "\(sweep.standardError)")
    #expect(said.first?.hasPrefix("fst: sig-pratio_0.6-seed_0: ") == true)
    #expect(counts(sweep) == [0, 2, 1])
    #expect(try plan.rows().count == 2)
  }

  @Test func aSweepThatIsStoppedGoesOn() throws {
    let plan = try Plan("modes: [ft]", attack: "epochs: 100000")
    let arguments = ["sweep", plan.path, "--json"]
    let first = try RunningProcess(TinyDataset.program, arguments)
    #expect(plan.tiny.waitForEpochs(2), "\(first.errorSoFar)")
    first.send(SIGTERM)
    let stopped = first.wait()
    #expect(stopped.exitCode == 75)
    #expect(stopped.lastJSON?["interrupted"] as? Bool == true)
    let epochs = plan.tiny.finishedEpochs
    let second = try RunningProcess(TinyDataset.program, arguments)
    #expect(plan.tiny.waitForEpochs(epochs + 1), "\(second.errorSoFar)")
    #expect(second.errorSoFar.contains("going on after epoch \(epochs)"))
    second.send(SIGKILL)
    _ = second.wait()
  }

  @Test func allRanksTakePartInEachRun() throws {
    let plan = try Plan("modes: [fst]\ntuning_seeds: [0, 1]\nsync_bn: true")
    let sweep = try plan.sweep(ranks: 2)
    #expect(sweep.exitCode == 0, "\(sweep.standardError)")
    #expect(sweep.outputLines.count == 1)
    let two = try plan.rows()
    #expect(two.count == 3)
    #expect(two.allSatisfy { $0.hasSuffix(",2,1") })

    try FileManager.default.removeItem(atPath: plan.tiny.record)
    #expect(try plan.sweep().exitCode == 0)
    func rates(_ rows: [String]) -> [ArraySlice<Substring>] {
      rows.map { $0.split(separator: ",", omittingEmptySubsequences: false).prefix(20) }
    }
    #expect(rates(try plan.rows()) == rates(two), "with sync_bn the ranks do not show")
  }

  @Test func aDryRunListsAllRunsAndNeedsNoData() throws {
    let plan = try Plan(Self.lists)
    try FileManager.default.removeItem(atPath: "\(plan.tiny.folder)/data")
    let list = try plan.sweep(["--dry_run"])
    #expect(list.exitCode == 0, "\(list.standardError)")
    #expect((list.lastJSON?["runs"] as? [Any])?.count == 11)
    #expect(!FileManager.default.fileExists(atPath: plan.tiny.record))
    let sweep = try plan.sweep()
    #expect(sweep.exitCode == 1)
    #expect(sweep.errorLines.filter { $0.hasPrefix("fst: ") }.count == 1)
  }

  @Test func aDryRunUnderMpirunPrintsOneList() throws {
    let plan = try Plan("modes: [ft]")
    let list = try plan.sweep(["--dry_run"], ranks: 2)
    #expect(list.exitCode == 0)
    #expect(list.outputLines.filter { $0.hasPrefix("badnet-pratio_0.1-seed_0 ") }.count == 1)
  }

  @Test func otherImagesThanTheArchivesAreRefused() throws {
    let plan = try Plan("modes: [ft]")
    #expect(try plan.sweep(["--only", "seed_0$"]).exitCode == 0)
    try FileManager.default.removeItem(atPath: plan.results)
    let frame = "\(plan.tiny.runFolder)/attack_df.csv"
    var cells = try String(contentsOfFile: frame, encoding: .utf8)
      .split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    cells[cells.count - 3] = "0.0625"  // test_acc
    try cells.joined(separator: ",").write(toFile: frame, atomically: true, encoding: .utf8)
    let sweep = try plan.sweep()
    #expect(sweep.exitCode == 1)
    #expect(sweep.standardError.contains("attack_df.csv notes a C-ACC of 0.0625"))
  }
}
