import Core
import Foundation
import TestSupport
import Testing

/// `fst tsne` on runs of a tiny model.
@Suite struct FeatureSheetTests {
  private let tiny: TinyDataset
  private let archive: String

  init() throws {
    tiny = try TinyDataset()
    archive = "\(tiny.runFolder)/attack_result.pt"
    let attack = try RunProcess.run(
      TinyDataset.program, ["attack", "badnet", "--epochs", "1"] + tiny.flags)
    #expect(attack.exitCode == 0, "\(attack.standardError)")
  }

  /// 16 clean and 8 triggered points; the fewest steps there are.
  private func flags(_ picture: String) -> [String] {
    ["--out", path(picture), "--perplexity", "5", "--iterations", "250", "--json"]
  }

  private func path(_ picture: String) -> String { "\(tiny.folder)/\(picture)" }

  private func content(_ picture: String) throws -> String {
    try String(contentsOfFile: path(picture), encoding: .utf8)
  }

  @Test func severalArchivesStandOnOneSheet() throws {
    let tune = try RunProcess.run(
      TinyDataset.program,
      ["tune", "--attack", "badnet", "--epochs", "1", "--split_ratio", "0.5", "--save"]
        + tiny.flags)
    #expect(tune.exitCode == 0, "\(tune.standardError)")
    let output = try RunProcess.run(
      TinyDataset.program,
      ["tsne", archive, "\(tiny.runFolder)/defense/fst/defense_result.pt"] + flags("a.svg"))
    #expect(output.exitCode == 0, "\(output.standardError)")
    let svg = try content("a.svg")
    #expect(svg.hasPrefix("<svg "))
    for text in [
      ">badnet 10 %<", ">badnet 10 %, after fst (alpha 0.2)<", ">bright (target)<", ">dark<",
      ">triggered<",
    ] {
      #expect(svg.contains(text), "\(text)")
    }
    let panels = try #require(output.lastJSON?["archives"] as? [[String: Any]])
    #expect(panels.map { $0["mode"] as? String } == [nil, "fst"])
    for panel in panels {
      for key in [
        "silhouette", "linear_probe_accuracy", "centroid_distance", "centroid_cosine",
        "clean_accuracy", "attack_success_rate", "kl_divergence", "trustworthiness",
      ] {
        #expect(panel[key] is Double, "\(key)")
      }
      #expect(panel["clean_points"] as? Int == 16)
      #expect(panel["target_points"] as? Int == 8)
      #expect(panel["triggered_points"] as? Int == 8)
      #expect(panel["clean_total"] as? Int == 16)
    }
  }

  @Test func threadsAndRanksDoNotShow() throws {
    let runs = [
      (1, "one.svg", ["--threads", "1"]), (1, "two.svg", ["--threads", "2"]),
      (3, "ranks.svg", ["--threads", "1", "--batch_size", "7"]),
    ]
    let reports = try runs.map { ranks, picture, more in
      let arguments = ["tsne", archive] + flags(picture) + more
      let output =
        ranks == 1
        ? try RunProcess.run(TinyDataset.program, arguments)
        : try RunProcess.mpirun(ranks, TinyDataset.program, arguments)
      #expect(output.exitCode == 0, "\(output.standardError)")
      return output.outputLines.last?.replacingOccurrences(of: picture, with: "")
    }
    #expect(Set(reports).count == 1)
    let one = try content("one.svg")
    #expect(try content("two.svg") == one)
    #expect(try content("ranks.svg") == one)
  }

  @Test func aPNGIsAPictureOfTheSameSheet() throws {
    let output = try RunProcess.run(TinyDataset.program, ["tsne", archive] + flags("a.PNG"))
    #expect(output.exitCode == 0, "\(output.standardError)")
    let image = try ImageFile.read(path("a.PNG"))
    #expect(image.width == 936)
  }

  @Test func withoutTriggeredImagesCleanPointsStandAloneAndTheLineSaysSo() throws {
    try FileManager.default.removeItem(atPath: "\(tiny.runFolder)/bd_test_dataset")
    let alone = try RunProcess.run(TinyDataset.program, ["tsne", archive] + flags("clean.svg"))
    #expect(alone.exitCode == 0, "\(alone.standardError)")
    #expect(alone.standardError.contains("warning: no bd_test_dataset"))
    #expect(try content("clean.svg").contains(">no triggered points<"))
    #expect(try !content("clean.svg").contains(">triggered<"))
    let panel = (alone.lastJSON?["archives"] as? [[String: Any]])?.first
    #expect(panel?["silhouette"] is NSNull)
    let anew = try RunProcess.run(
      TinyDataset.program, ["tsne", archive, "--attack", "badnet"] + flags("anew.svg"))
    #expect(anew.exitCode == 0, "\(anew.standardError)")
    #expect(try content("anew.svg").contains(">triggered<"))
  }

  @Test func pointsAreAsManyAsAskedFor() throws {
    let output = try RunProcess.run(
      TinyDataset.program,
      ["tsne", archive, "--points_per_class", "6", "--triggered_points", "5"] + flags("few.svg"))
    let panel = (output.lastJSON?["archives"] as? [[String: Any]])?.first
    #expect(panel?["clean_points"] as? Int == 12)
    #expect(panel?["triggered_points"] as? Int == 5)
  }

  @Test func withoutJSONATableIsPrinted() throws {
    let output = try RunProcess.run(
      TinyDataset.program, ["tsne", archive] + flags("a.svg").dropLast())
    #expect(output.outputLines.count == 3)
    #expect(output.outputLines[1].hasSuffix("badnet 10 %"))
    #expect(output.outputLines[2] == "sheet    \(path("a.svg"))")
  }

  /// One line, the same under mpirun, and no file.
  @Test(arguments: [1, 2]) func whatCannotBeDrawnIsOneLine(ranks: Int) throws {
    let cases: [(arguments: [String], said: String)] = [
      ([archive, "--out", path("a.jpg")], "ends in .svg or .png"),
      ([archive, "--out", path("nowhere/a.svg")], "nowhere/a.svg: expected a file in a folder"),
      ([tiny.folder + "/none.pt", "--out", path("a.svg")], "no such archive"),
      ([archive, "--out", path("a.svg")], "perplexity 30.0 for 24 points"),
      ([archive, "--out", path("a.svg"), "--iterations", "10"], "--iterations: expected"),
      (
        [archive, "--out", path("a.svg"), "--dataset_path", path("nothing")],
        path("nothing")
      ),
    ]
    for (arguments, said) in cases {
      let output =
        ranks == 1
        ? try RunProcess.run(TinyDataset.program, ["tsne"] + arguments)
        : try RunProcess.mpirun(ranks, TinyDataset.program, ["tsne"] + arguments)
      let lines = output.errorLines.filter { $0.hasPrefix("fst: ") }
      #expect(output.exitCode != 0)
      #expect(lines.count == 1 && lines[0].contains(said), "\(lines)")
    }
    let left = try FileManager.default.contentsOfDirectory(atPath: tiny.folder)
    #expect(Set(left) == ["data", "record"])
  }

  @Test func withoutAnArchiveOrAPictureTheLineSaysWhichIsMissing() throws {
    let noArchive = try RunProcess.run(TinyDataset.program, ["tsne", "--out", path("a.svg")])
    #expect(noArchive.exitCode == 64 && noArchive.errorLines.count == 1)
    #expect(noArchive.standardError.contains("archive"))
    let noPicture = try RunProcess.run(TinyDataset.program, ["tsne", archive])
    #expect(noPicture.exitCode == 64 && noPicture.errorLines.count == 1)
    #expect(noPicture.standardError.contains("--out"))
  }
}
