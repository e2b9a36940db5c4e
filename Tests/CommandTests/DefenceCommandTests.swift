import Foundation
import TestSupport
import Testing

/// Scans, the retuning attack, α chosen by the run, and defences in a sweep, as a user runs them on
/// forty images.
@Suite struct DefenceCommandTests {
  /// A finished badnet run on a tiny dataset; it owns both.
  private struct Attacked {
    let tiny: TinyDataset

    init() throws {
      tiny = try TinyDataset()
      let attack = try RunProcess.run(
        TinyDataset.program, ["attack", "badnet", "--epochs", "1"] + tiny.flags)
      #expect(attack.exitCode == 0, "\(attack.standardError)")
    }

    func run(_ arguments: [String], ranks: Int = 1) throws -> ProcessOutput {
      ranks == 1
        ? try RunProcess.run(TinyDataset.program, arguments)
        : try RunProcess.mpirun(ranks, TinyDataset.program, arguments)
    }

    var machine: [String] { ["--threads", "1", "--json"] }
    var archive: String { "\(tiny.runFolder)/attack_result.pt" }
  }

  @Test(arguments: [1, 2]) func aScanHasANumberForEachClass(ranks: Int) throws {
    let attacked = try Attacked()
    let picture = "\(attacked.tiny.folder)/scan.png"
    let scan = try attacked.run(
      ["scan", attacked.archive, "--nc_epoch", "1", "--ratio", "0.5", "--batch_size", "10"]
        + ["--out", picture] + attacked.machine, ranks: ranks)
    #expect(scan.exitCode == 0, "\(scan.standardError)")
    let report = try #require(scan.lastJSON)
    #expect((report["norms"] as? [Double])?.count == 2)
    #expect((report["verdict"] as? String)?.isEmpty == false)
    #expect(report["anomaly_index"] is Double && report["flagged"] as? [Int] == [])
    #expect(report["reliable"] as? Bool == false, "there are two classes")
    let bytes = FileManager.default.contents(atPath: picture)?.prefix(4)
    #expect(bytes.map { Array($0) } == [0x89, 0x50, 0x4E, 0x47])
  }

  @Test func aScanOfNoArchiveIsOneLine() throws {
    let scan = try RunProcess.run(TinyDataset.program, ["scan", "/nowhere/a.pt", "--json"])
    #expect(scan.exitCode == 1)
    #expect(scan.errorLines.filter { $0.hasPrefix("fst: ") }.count == 1)
    #expect(scan.standardError.contains("/nowhere/a.pt"))
  }

  /// Each of them came to a wrong figure without a word, or to no words at all.
  @Test func whatCannotBeDoneIsSaidInALine() throws {
    let attacked = try Attacked()
    let folder = attacked.tiny.runFolder
    let few = ["--threads", "1", "--batch_size", "10"]
    let common = ["--result", folder, "--epochs", "1", "--ratio", "0.5"] + few
    let tune = try attacked.run(["defend", "ft", "--save"] + common)
    #expect(tune.exitCode == 0, "\(tune.standardError)")
    let clean = try attacked.run(
      ["attack", "badnet", "--epochs", "1", "--pratio", "0", "--save_folder_name", "clean"]
        + attacked.tiny.flags)
    #expect(clean.exitCode == 0, "\(clean.standardError)")
    let retuned = try attacked.run(["defend", "ra", "--defense_type", "ft", "--save"] + common)
    #expect(retuned.exitCode == 0, "\(retuned.standardError)")
    let empty = "\(attacked.tiny.folder)/empty.txt"
    try Data("# none\n".utf8).write(to: URL(fileURLWithPath: empty))
    try FileManager.default.copyItem(atPath: folder, toPath: "\(folder)-untested")
    try FileManager.default.removeItem(atPath: "\(folder)-untested/bd_test_dataset")

    let cases: [([String], String)] = [
      (
        ["scan", attacked.archive, "--nc_epoch", "1", "--ratio", "1", "--init_cost", "1e300"] + few,
        "expected a finite mask and pattern, found nan or infinity"
      ),
      (
        ["defend", "anp", "--result", folder, "--nb_iter", "2", "--ratio", "0.1"] + few,
        "expected at least 5 clean images, to hold a fifth out, found 4"
      ),
      (
        ["defend", "anp", "--result", "\(folder)-untested", "--nb_iter", "2", "--ratio", "0.5"]
          + ["--selection", "benchmark"] + few,
        "--selection benchmark: expected triggered test images to decide by, found none"
      ),
      (
        ["defend", "qra", "--defense_type", "ft", "--clean_num_qra", "0", "--poison_num_qra", "0"]
          + ["--clean_model_path", "\(attacked.tiny.record)/clean/attack_result.pt"] + common,
        "expected images to learn the noise on, found none"
      ),
      (
        ["defend", "qra", "--defense_type", "ft", "--clean_model_path", "nowhere.pt"] + common,
        "nowhere.pt: expected a clean model of the dataset and network, as `fst attack badnet "
          + "--pratio 0` trains it, found none; --clean_model_path names another"
      ),
      (
        ["defend", "ft-sam", "--checkpoint_path", "nowhere.pt"] + common,
        "nowhere.pt: expected the result of a defence"
      ),
      (
        ["defend", "ft-sam", "--index", empty] + common,
        "empty.txt: expected indices of training images, 0 to 39, found none"
      ),
    ]
    for (arguments, words) in cases {
      let output = try attacked.run(arguments)
      #expect(output.exitCode == 1, "\(arguments): \(output.standardError)")
      let lines = output.errorLines.filter { $0.hasPrefix("fst: ") }
      #expect(lines.count == 1 && lines[0].contains(words), "\(arguments): \(lines)")
    }
  }

  @Test(arguments: [1, 2]) func anIndexNamesTheCleanImages(ranks: Int) throws {
    let attacked = try Attacked()
    let path = "\(attacked.tiny.folder)/index.txt"
    func tune(_ text: String) throws -> ProcessOutput {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      return try attacked.run(
        ["defend", "ft-sam", "--result", attacked.tiny.runFolder, "--index", path]
          + ["--epochs", "1", "--batch_size", "10"] + attacked.machine, ranks: ranks)
    }
    let output = try tune("3\n17 39 # the last\n\n0\n")
    #expect(output.exitCode == 0, "\(output.standardError)")
    #expect(output.standardError.contains("ft-sam on 4 clean images"))
    let beyond = try tune("3\n40\n")
    #expect(beyond.exitCode == 1)
    #expect(
      beyond.standardError.contains(
        "index.txt:2: expected indices of training images, 0 to 39, found '40'"))
  }

  /// A clean run leaves the folder of its triggered images empty.
  @Test func theRetuningAttackTestsACleanRun() throws {
    let tiny = try TinyDataset()
    let attack = try RunProcess.run(
      TinyDataset.program,
      ["attack", "badnet", "--epochs", "1", "--pratio", "0", "--save_folder_name", "clean"]
        + tiny.flags)
    #expect(attack.exitCode == 0, "\(attack.standardError)")
    let archive = "\(tiny.record)/clean/attack_result.pt"
    let output = try RunProcess.run(
      TinyDataset.program,
      ["defend", "ra", "--result", archive, "--checkpoint_path", archive, "--epochs", "1"]
        + ["--ratio", "0.5", "--batch_size", "10", "--threads", "1"])
    #expect(output.exitCode == 0, "\(output.standardError)")
    #expect(output.standardError.contains("applied anew"))
  }

  @Test func theRetuningAttackStartsFromADefence() throws {
    let attacked = try Attacked()
    let tests =
      ["defend", "ra", "--result", attacked.tiny.runFolder, "--defense_type", "ft"]
      + ["--epochs", "1", "--split_ratio", "0.5", "--batch_size", "10", "--save"]
      + attacked.machine
    let early = try attacked.run(tests)
    #expect(early.exitCode == 1)
    #expect(
      early.standardError.contains("defense/ft/defense_result.pt: expected the result of a defence")
    )
    let tune = try attacked.run(
      ["tune", "--result", attacked.tiny.runFolder, "--ft_mode", "ft", "--epochs", "1"]
        + ["--split_ratio", "0.5", "--batch_size", "10", "--save"] + attacked.machine)
    #expect(tune.exitCode == 0, "\(tune.standardError)")
    let retuned = try attacked.run(tests)
    #expect(retuned.exitCode == 0, "\(retuned.standardError)")
    let folder = "\(attacked.tiny.runFolder)/defense/ft"
    #expect(FileManager.default.fileExists(atPath: "\(folder)/relearn_result.pt"))
    #expect(FileManager.default.fileExists(atPath: "\(folder)/ra/ra_df.csv"))
    let before = try #require(retuned.lastJSON?["before"] as? [String: Any])
    let after = try #require(tune.lastJSON?["after"] as? [String: Any])
    #expect(before["clean_correct"] as? Int == after["clean_correct"] as? Int)
  }

  /// The patch is a bright image, which the default is not.
  @Test func aTriggerAnewIsTheRunsOwn() throws {
    let tiny = try TinyDataset()
    let patch = "\(tiny.folder)/patch.ppm"
    let pixels = Data("P6 32 32 255\n".utf8) + Data(repeating: 200, count: 32 * 32 * 3)
    try pixels.write(to: URL(fileURLWithPath: patch))
    let attack = try RunProcess.run(
      TinyDataset.program,
      ["attack", "badnet", "--epochs", "1", "--patch_mask_path", patch, "--json"] + tiny.flags)
    #expect(attack.exitCode == 0, "\(attack.standardError)")
    let evaluate =
      ["evaluate", "\(tiny.runFolder)/attack_result.pt", "--threads", "1", "--json"]
    let kept = try RunProcess.run(TinyDataset.program, evaluate)
    let anew = try RunProcess.run(TinyDataset.program, evaluate + ["--attack", "badnet"])
    #expect(anew.exitCode == 0, "\(anew.standardError)")
    #expect(
      kept.lastJSON?["attack_successes"] as? Int == 8, "bright images are of the target class")
    for key in ["attack_successes", "robust_correct", "triggered_total"] {
      #expect(anew.lastJSON?[key] as? Int == kept.lastJSON?[key] as? Int, "\(key)")
    }
    #expect(!anew.standardError.contains("not found"))
    try FileManager.default.removeItem(atPath: patch)
    let without = try RunProcess.run(TinyDataset.program, evaluate + ["--attack", "badnet"])
    #expect(without.exitCode == 0)
    #expect(
      without.standardError.contains("not found, so that the default stands for what the run's"))
  }

  @Test func alphaMayBeChosenByTheRun() throws {
    let attacked = try Attacked()
    let tune = try attacked.run(
      ["tune", "--result", attacked.tiny.runFolder, "--alpha", "auto", "--epochs", "1"]
        + ["--split_ratio", "0.5", "--batch_size", "10"] + attacked.machine)
    #expect(tune.exitCode == 0, "\(tune.standardError)")
    let alpha = try #require(tune.lastJSON?["alpha"] as? Double)
    #expect([0.001, 0.01, 0.1, 0.2, 0.5].contains(alpha))
    #expect(tune.standardError.contains("alpha auto chose by 4 held-out images"))
    let costly = try attacked.run(
      ["tune", "--result", attacked.tiny.runFolder, "--alpha", "auto", "--epochs", "1"]
        + ["--alpha_loss", "0.99", "--split_ratio", "0.5", "--batch_size", "10"]
        + attacked.machine)
    #expect(costly.lastJSON?["alpha"] as? Double == 0.5)
    let wrong = try attacked.run(
      ["tune", "--result", attacked.tiny.runFolder, "--alpha", "most"] + attacked.machine)
    #expect(wrong.exitCode == 64)
    #expect(wrong.standardError.contains("--alpha: expected a number, or auto, found 'most'"))
  }

  @Test func aSweepHasDefencesAndTheirTestsInRowsAndColumns() throws {
    let tiny = try TinyDataset()
    let path = "\(tiny.folder)/plan.yaml"
    let text = """
      modes: [ft]
      defences: [clp, ep]
      retuning: true
      dataset: image_folder
      dataset_path: \(tiny.folder)/data
      record: \(tiny.record)
      threads: 1
      batch_size: 10
      split_ratio: 0.5
      attack: {width: 4, epochs: 1}
      tune: {epochs: 1}
      defend:
        epochs: 1
        ra: {epochs: 1, split_ratio: 0.5, batch_size: 10}
      """
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    let part = try RunProcess.run(
      TinyDataset.program, ["sweep", path, "--json", "--only", "clp-seed_0$"])
    #expect(part.exitCode == 0, "\(part.standardError)")
    #expect(part.lastJSON?["finished_now"] as? Int == 2)
    let rest = try RunProcess.run(TinyDataset.program, ["sweep", path, "--json"])
    #expect(rest.exitCode == 0, "\(rest.standardError)")
    #expect(rest.lastJSON?["finished_before"] as? Int == 2)
    #expect(rest.lastJSON?["finished_now"] as? Int == 5)
    let board = try #require(rest.lastJSON?["board"] as? String)
    let lines = try String(contentsOfFile: board, encoding: .utf8).split(separator: "\n")
    #expect(lines.contains("| attack | pratio | none | ft | clp | ep |"))
    #expect(lines.last == "All 7 cells are run.")

    // What is tested must be the model of the result.
    let archive = "\(tiny.runFolder)/defense/clp/defense_result.pt"
    try FileManager.default.removeItem(atPath: archive)
    try FileManager.default.copyItem(
      atPath: "\(tiny.runFolder)/defense/ft/defense_result.pt", toPath: archive)
    let runs = "\(tiny.record)/sweep/plan/runs"
    for name in try FileManager.default.contentsOfDirectory(atPath: runs)
    where name.contains("clp-seed_0.ra") {
      try FileManager.default.removeItem(atPath: "\(runs)/\(name)")
    }
    let other = try RunProcess.run(TinyDataset.program, ["sweep", path, "--json"])
    #expect(other.exitCode == 1)
    #expect(other.standardError.contains("expected the model that"))
  }
}
