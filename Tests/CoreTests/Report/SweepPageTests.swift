import Core
import Foundation
import TestSupport
import Testing

/// The page of a sweep, as its table makes it.
@Suite struct SweepPageTests {
  private static let header =
    "attack,pratio,mode,alpha,attack_seed,tuning_seed,c_acc_before,asr_before,ra_before,"
    + "c_acc_after,asr_after,ra_after,outcome,seconds"

  private func page(_ rows: [String], header: String = header) throws -> String {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("sweep-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let text = ([header] + rows).joined(separator: "\n") + "\n"
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/results.csv"))
    return try String(contentsOfFile: try AutomaticReport.write(in: folder), encoding: .utf8)
  }

  @Test func aCellHasMeanSpreadAndNumber() throws {
    let text = try page([
      "badnet,0.1,none,,0,,0.9,1.0,0.0,,,,done,10",
      "badnet,0.1,fst,0.2,0,0,0.9,1.0,0.0,0.8,0.1,0.6,done,1",
      "badnet,0.1,fst,0.2,0,1,0.9,1.0,0.0,0.7,0.3,0.5,done,1",
      "badnet,0.1,fst,0.2,0,2,0.9,1.0,0.0,,,,diverged,1",
    ])
    // ASR 0.1 and 0.3; C-ACC lost 0.1 and 0.2, of which 0.2 would be darkest; RA 0.6 and 0.5.
    for part in [
      "<td style=\"--v:0.200\">0.200 <small>0.100…0.300, n 2</small> <small>1 diverged</small></td>",
      "<td style=\"--v:0.750\">0.750 <small>0.700…0.800, n 2</small> <small>1 diverged</small></td>",
      "<td style=\"--v:0.450\">0.550 <small>0.500…0.600, n 2</small> <small>1 diverged</small></td>",
      "<td style=\"--v:1.000\">1.000 <small>n 1</small></td>", "fst α 0.2",
      "4 runs of 1 attack, 1 diverged",
      "badnet 0.1, fst α 0.2: 0.100 lost, 0.100 left",
    ] { #expect(text.contains(part), "\(part)") }
  }

  @Test func ofThreeHundredRunsItIsSmallAndQuick() throws {
    let rows = (0..<300).map { run in
      "attack\(run % 5),0.\(run % 3 + 1),\(run % 10 == 0 ? "none" : "mode\(run % 7)"),,0,\(run),"
        + "0.9,1.0,0.0,0.8,0.\(run),0.5,done,2"
    }
    let seconds = try processorSeconds { () throws in #expect(try page(rows).utf8.count < 500_000) }
    #expect(seconds < 10)
  }

  @Test func whatIsNoRateIsNone() throws {
    let row = "badnet,0.1,fst,,0,0,0.9,1.0,0.0,1e308,-5,inf,done,1e308"
    #expect(try page([row, row]).contains("<td class=\"none\">–</td>"))
  }

  @Test func namesAreNeverMarkup() throws {
    let text = try page(["<script>x</script>,0.1,<b>,,0,0,0.9,1.0,0.0,0.8,0.1,0.6,done,1"])
    #expect(!text.contains("<script") && !text.contains("<b>"))
  }

  @Test func whatIsNoTableIsRefused() {
    #expect(throws: ArchiveError.self) { try page([], header: "a,b,c") }
    #expect(throws: ArchiveError.self) { try page(["badnet,0.1"]) }
  }
}
