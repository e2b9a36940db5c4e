import Foundation
import TestSupport
import Testing

/// `fst report`, and the pages that runs leave by themselves, as a user gets them.
@Suite struct ReportTests {
  private static func run(_ arguments: [String], ranks: Int = 1) throws -> ProcessOutput {
    ranks == 1
      ? try RunProcess.run(TinyDataset.program, arguments)
      : try RunProcess.mpirun(ranks, TinyDataset.program, arguments)
  }

  private static func text(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }

  /// A run with a tuning beneath it, and what both said.
  private static func tunedRun() throws -> (tiny: TinyDataset, said: [ProcessOutput]) {
    let tiny = try TinyDataset()
    let attack = try run(["attack", "badnet", "--epochs", "2"] + tiny.flags)
    let tune = try run(
      ["tune", "--attack", "badnet", "--epochs", "2", "--split_ratio", "0.5", "--save"]
        + tiny.flags.filter { !["--width", "4"].contains($0) })
    return (tiny, [attack, tune])
  }

  @Test func runsLeaveTheirPagesAndAReportAsksTheModels() throws {
    let (tiny, said) = try Self.tunedRun()
    for output in said { #expect(output.exitCode == 0, "\(output.standardError)") }
    let page = "\(tiny.runFolder)/report.html"
    #expect(said[0].outputLines.contains("page    \(page)"))
    let automatic = try Self.text(page)
    #expect(automatic.contains("Over the epochs") && !automatic.contains("Tunings and defences"))
    #expect(automatic.contains("fst report "), "how to add what it leaves out")
    #expect(try Self.text("\(tiny.runFolder)/defense/fst/report.html").contains(", after fst"))

    let output = try Self.run(["report", tiny.runFolder, "--test_images", "16", "--json"])
    #expect(output.exitCode == 0, "\(output.standardError)")
    let bytes = output.lastJSON?["bytes"] as? Int ?? 0
    #expect(output.lastJSON?["out"] as? String == page)
    let text = try Self.text(page)
    #expect(text.utf8.count == bytes)
    for part in [
      "Tunings and defences", "What images are taken for", "Features before the last layer",
      "16 clean test images", "8 triggered test images", "The model after fst", "silhouette",
      "bright (target)", "before",
    ] { #expect(text.contains(part), "\(part)") }
    try Self.checkInBrowser([page, "\(tiny.runFolder)/defense/fst/report.html"])
  }

  @Test(arguments: [2]) func ranksWriteTheSamePage(ranks: Int) throws {
    let (tiny, _) = try Self.tunedRun()
    let places = [1, ranks].map { "\(tiny.folder)/\($0).html" }
    for (place, ranks) in zip(places, [1, ranks]) {
      let output = try Self.run(
        ["report", tiny.runFolder, "--test_images", "16", "--threads", "1", "--out", place],
        ranks: ranks)
      #expect(output.exitCode == 0, "\(output.standardError)")
      #expect(output.outputLines == ["page    \(place)"])
    }
    // Sums over ranks have other last bits, which t-SNE makes much of: the counts are compared.
    let tables = try places.map {
      try Self.text($0).components(separatedBy: "Features before the last layer</h2>")[0]
    }
    #expect(tables[0] == tables[1])
  }

  @Test func withoutItsDataAReportSaysSo() throws {
    let (tiny, _) = try Self.tunedRun()
    try FileManager.default.removeItem(atPath: "\(tiny.folder)/data")
    let output = try Self.run(["report", tiny.runFolder])
    #expect(output.exitCode == 0, "\(output.standardError)")
    let text = try Self.text("\(tiny.runFolder)/report.html")
    #expect(text.contains("Not asked: "))
    #expect(text.contains("--dataset_path"))
  }

  @Test func noReportLeavesNone() throws {
    let tiny = try TinyDataset()
    let output = try Self.run(["attack", "badnet", "--epochs", "1", "--no_report"] + tiny.flags)
    #expect(output.exitCode == 0)
    #expect(!FileManager.default.fileExists(atPath: "\(tiny.runFolder)/report.html"))
  }

  @Test func aPageThatCannotBeWrittenIsAWarning() throws {
    let tiny = try TinyDataset()
    try FileManager.default.createDirectory(
      atPath: "\(tiny.runFolder)/report.html/x", withIntermediateDirectories: true)
    let output = try Self.run(["attack", "badnet", "--epochs", "1", "--json"] + tiny.flags)
    #expect(output.exitCode == 0)
    #expect(output.standardError.contains("warning: no report.html: "))
    #expect(output.lastJSON?["folder"] as? String == tiny.runFolder)
  }

  @Test func severalRunsAreOnePage() throws {
    let (tiny, _) = try Self.tunedRun()
    let page = "\(tiny.folder)/all.html"
    let output = try Self.run(
      ["report", tiny.runFolder, "\(tiny.runFolder)/defense/fst", "--no_features", "--out", page])
    #expect(output.exitCode == 0, "\(output.standardError)")
    #expect(try Self.text(page).contains("<title>2 runs</title>"))
    let alone = try Self.run(["report", tiny.runFolder, "--no_features", "--out", page])
    #expect(alone.exitCode == 0)
    #expect(try Self.text(page).contains("No model was asked"))
    try Self.checkInBrowser([page])
  }

  @Test func mistakesAreOneLine() throws {
    let tiny = try TinyDataset()
    for (arguments, status, part) in [
      (["\(tiny.folder)/none"], Int32(1), "found nothing"), ([tiny.folder], 1, "found none of"),
      ([tiny.folder, "--test_images", "3"], 64, "--test_images"),
      ([tiny.folder, "--dataset", "nothing"], 64, "dataset"), ([], 64, "run"),
      ([tiny.folder, "--out", "attack_result.pt"], 64, "ends in .html"),
    ] {
      let output = try Self.run(["report"] + arguments)
      #expect(output.exitCode == status, "\(arguments)")
      #expect(output.errorLines.count == 1, "\(output.standardError)")
      #expect(output.standardError.contains(part), "\(output.standardError)")
    }
  }

  /// Loads `pages` in headless Chromium, on two widths and in both colour schemes, where it is there.
  private static func checkInBrowser(_ pages: [String]) throws {
    let output = try RunProcess.script("check_page.py", pages)
    guard output.exitCode != 77 else {
      FileHandle.standardError.write(Data("SKIPPED: pages in a browser: no Chromium\n".utf8))
      return
    }
    #expect(output.exitCode == 0, "\(output.standardOutput)\(output.standardError)")
  }
}
