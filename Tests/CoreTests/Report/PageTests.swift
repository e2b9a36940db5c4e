import Core
import Foundation
import TestSupport
import Testing

/// The page of a run, as its folder's files make it.
@Suite struct PageTests {
  /// A run's folder made by hand; it owns it.
  private final class Place {
    let root: String
    let folder: String

    init(_ name: String = "run", epochs: Int = 3) throws {
      root =
        FileManager.default.temporaryDirectory.appendingPathComponent("page-\(UUID().uuidString)")
        .path
      folder = "\(root)/\(name)"
      try make("bd_test_dataset/1")
      try InfoFile.write(
        [
          .init("attack", .string("badnet")), .init("pratio", .float(0.1)),
          .init("dataset", .string("image_folder")), .init("lr", .float(0.05)),
          .init(
            "terminal_info",
            .list(
              ["/x/fst", "attack", "bad net", "--note", "<script>alert(1)</script>"].map {
                .string($0)
              })),
        ], to: "\(folder)/info.pickle")
      var frame = AttackDataFrame()
      for epoch in 0..<epochs {
        let share = Double(epoch + 1) / Double(epochs)
        frame.append(
          [.count(epoch), .count(10)]
            + [1.5 - share, share, share, share, 0.1, 2, .nan, share, 1, 0].map { .number($0) })
      }
      try frame.write(to: "\(folder)/attack_df.csv")
      let image = RGBImage(pixels: (0..<768).map { UInt8($0 % 256) }, width: 16, height: 16)
      try ImageFile.writePNG(image, to: "\(folder)/bd_test_dataset/1/7.png")
      var log = [
        "fst 0.1.0 (build 1), started today, process 1 on <b>host</b>",
        "rank 0 on <b>host</b>, 1 thread",
      ]
      for epoch in 0..<epochs {
        let loss = String(format: "%.4f", 1.5 - Double(epoch + 1) / Double(epochs))
        log.append("epoch \(epoch + 1)/\(epochs)  lr 0.0\(epoch % 9 + 1)  loss \(loss)  acc 0.5")
        log.append("timing of epoch \(epoch + 1), ms a step: to last gradient 34, load 0.05")
      }
      try write(log.map { "2026-11-28 15:29:21 \($0)\n" }.joined(), to: "2026.log")
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    func make(_ name: String) throws {
      try FileManager.default.createDirectory(
        atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
    }

    func write(_ text: String, to name: String) throws {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }

    func page(of name: String = "") throws -> String {
      let path = try AutomaticReport.write(in: name.isEmpty ? folder : "\(folder)/\(name)")
      return try String(contentsOfFile: path, encoding: .utf8)
    }
  }

  @Test func itHasWhatTheFolderHas() throws {
    let text = try Place().page()
    for part in [
      "<!DOCTYPE html>", "<html lang=\"en\">", "<title>badnet 10 %</title>", "viewport",
      "prefers-color-scheme", ">What was done</h2>", ">Over the epochs</h2>", ">The trigger</h2>",
      "fst attack &#39;bad net&#39;", "C-ACC 1.000", "ASR 1.000", "RA 0.000", "lr 0.03",
      "data:image/png;base64,", "alt=\"class 1, 7, triggered\"", "to last gradient 34",
    ] { #expect(text.contains(part), "\(part)") }
    #expect(text.components(separatedBy: "<svg").count - 1 >= 3)
  }

  @Test func namesAreNeverMarkup() throws {
    let place = try Place("<img src=x onerror=alert(1)> & \"run\"")
    let text = try place.page()
    for markup in ["<script", "<img src=x", "<b>host"] { #expect(!text.contains(markup)) }
    #expect(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
    #expect(text.contains("&lt;b&gt;host&lt;/b&gt;"))
    #expect(text.contains("&lt;img src=x onerror=alert(1)&gt; &amp; &quot;run&quot;"))
  }

  @Test func ofAHundredEpochsItIsSmallAndQuick() throws {
    let place = try Place(epochs: 100)
    let seconds = try processorSeconds { () throws in #expect(try place.page().utf8.count < 300_000)
    }
    #expect(seconds < 3)
  }

  @Test func aDefenceIsOnTheRunsPageAndHasItsOwn() throws {
    let place = try Place()
    try place.make("defense/nc")
    try place.write(
      ",class,norm,works,deviations,flagged\n0,0,12.5,1,-3.5,1\n1,1,80.25,0,0.5,0\n",
      to: "defense/nc/nc_norms.csv")
    try place.write(
      """
      2026-11-28 14:33:12         before   after
      2026-11-28 14:33:12 C-ACC   0.9000   0.8500
      2026-11-28 14:33:12 ASR     1.0000   0.0250
      2026-11-28 14:33:12 RA      0.0000   0.8000

      """, to: "defense/nc/a.log")
    let image = RGBImage(pixels: [UInt8](repeating: 9, count: 300), width: 10, height: 10)
    try ImageFile.writePNG(image, to: "\(place.folder)/defense/nc/reversed_triggers.png")
    let text = try place.page()
    for part in [
      "Tunings and defences", "<td class=\"n\">0.0250</td>", "<td class=\"n\">0.0500</td>",
      "Reversed triggers of nc", "stands out", "no trigger that works", "12.50",
    ] { #expect(text.contains(part), "\(part)") }
    let own = try place.page(of: "defense/nc")
    #expect(own.contains("<title>badnet 10 %, after nc</title>"))
    #expect(own.contains("<strong>0.8500</strong>"))
    #expect(own.contains("0.9000 before"))
  }

  @Test func whatIsDamagedIsSaidAndTheRestIsThere() throws {
    let place = try Place()
    try place.write(",epoch,test_acc\n0,0,much\n", to: "attack_df.csv")
    try place.write("no picture", to: "bd_test_dataset/1/7.png")
    let text = try place.page()
    #expect(text.contains(">What could not be read</h2>"))
    #expect(text.contains("attack_df.csv: line 2"))
    #expect(text.contains("fst attack &#39;bad net&#39;"))
  }

  @Test(arguments: ["1e308", "-1e308", "inf", "nan", "99999999999999999999", "1e-320", "-0.0"])
  func numbersBeyondAllMeasureAreNoTrap(number: String) throws {
    let place = try Place()
    let columns = AttackDataFrame.attackColumns.joined(separator: ",")
    let row = { (index: Int, value: String) in
      "\(index)" + String(repeating: ",\(value)", count: AttackDataFrame.attackColumns.count) + "\n"
    }
    try place.write(",\(columns)\n" + row(0, "1") + row(1, number), to: "attack_df.csv")
    let text = try place.page()
    #expect(text.contains("What was done"))
    #expect(!text.contains("NaN") && !text.contains("\"nan"))
  }

  @Test func whatIsNoRunIsRefused() throws {
    let place = try Place()
    for (path, part) in [("\(place.root)/none", "found nothing"), (place.root, "results.csv")] {
      let error = #expect(throws: ReportError.self) { try AutomaticReport.write(in: path) }
      #expect(error?.description.contains(part) == true)
    }
  }

  @Test func aPageThatCannotBeWrittenLeavesNothing() throws {
    let place = try Place()
    try place.make("report.html/x")
    let before = try FileManager.default.contentsOfDirectory(atPath: place.folder).sorted()
    #expect(throws: (any Error).self) { try place.page() }
    let after = try FileManager.default.contentsOfDirectory(atPath: place.folder).sorted()
    #expect(after == before)
  }

  @Test func aPageOfTheSameFilesIsTheSame() throws {
    let place = try Place()
    #expect(try place.page() == place.page())
  }
}
