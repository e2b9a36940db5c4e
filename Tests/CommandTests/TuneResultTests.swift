import Core
import Foundation
import Testing

/// What a tuning leaves in `defense/<mode>/`, beside an earlier one and of each epoch.
@Suite struct TuneResultTests {
  private func content(_ folder: String, _ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
  }

  /// The named columns of ft_df.csv, as rows of cells.
  private func cells(_ run: InProcessRun, _ columns: [String]) throws -> [[String]] {
    let text = String(decoding: try content(run.defenseFolder, "ft_df.csv"), as: UTF8.self)
    let lines = text.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    let places = try columns.map { try #require(lines.first?.firstIndex(of: $0)) }
    return lines.dropFirst().map { line in places.map { line[$0] } }
  }

  @Test func anEarlierResultIsMovedAside() throws {
    let run = InProcessRun(try TinyDataset(), record: "a")
    try run.attack()
    try run.tune()
    let first = try content(run.defenseFolder, "defense_result.pt")
    let changes: [(inout TuneConfiguration) -> Void] = [
      { $0.alpha = 5 }, { $0.learningRate = 0.5 }, { $0.randomSeed = 7 },
    ]
    for (number, change) in changes.enumerated() {
      let place = "\(run.defenseFolder).earlier-\(number + 1)"
      let before = try content(run.defenseFolder, "defense_result.pt")
      let (_, said) = try run.tune(change: change)
      #expect(said.count { $0 == "an earlier run stood in the folder; it is \(place) now" } == 1)
      #expect(try content(place, "defense_result.pt") == before)
      #expect(try content(run.defenseFolder, "defense_result.pt") != before)
    }
    #expect(try content("\(run.defenseFolder).earlier-1", "defense_result.pt") == first)
  }

  @Test func anInterruptedRunGoesOnWhereItStands() throws {
    let run = InProcessRun(try TinyDataset(), record: "a")
    try run.attack()
    try run.tune { if $0 == 4 { $1.request() } }
    let (outcome, said) = try run.tune(resume: .on)
    #expect(outcome.stopped == nil)
    #expect(!said.contains { $0.contains("earlier") })
    #expect(!FileManager.default.fileExists(atPath: "\(run.defenseFolder).earlier-1"))
  }

  @Test func withoutSavingNoFolderIsNamed() throws {
    let run = InProcessRun(try TinyDataset(), record: "a")
    try run.attack()
    #expect(try run.tune(change: { $0.save = false }).outcome.folder == nil)
    #expect(!FileManager.default.fileExists(atPath: "\(run.folder)/defense"))
    #expect(try run.tune().outcome.folder == run.defenseFolder)
  }

  @Test(arguments: [(0, [2]), (1, [0, 1, 2]), (2, [1, 2])])
  func theEpochsAskedForAndTheLastHaveFigures(every: Int, expected: [Int]) throws {
    let run = InProcessRun(try TinyDataset(), record: "a")
    try run.attack()
    let (outcome, _) = try run.tune(change: { $0.evaluateEvery = every })
    let rows = try cells(run, ["test_acc", "test_asr", "test_ra"])
    #expect(rows.count == InProcessRun.epochs)
    for (epoch, row) in rows.enumerated() {
      if expected.contains(epoch) {
        #expect(row.allSatisfy { Double($0).map { (0...1).contains($0) } == true }, "\(row)")
      } else {
        #expect(row == ["", "", ""])
      }
    }
    #expect(Double(rows[2][0]) == outcome.after.cleanAccuracy)
    #expect(Double(rows[2][1]) == outcome.after.attackSuccessRate)
  }

  @Test(arguments: [1, 2]) func evaluatingInBetweenChangesNoBit(ranks: Int) throws {
    var run = InProcessRun(try TinyDataset(), record: "a")
    try run.attack()
    run.worldSize = ranks
    let plain = try run.tune()
    let result = try content(run.defenseFolder, "defense_result.pt")
    let losses = try cells(run, ["train_epoch_loss_avg_over_batch"])
    let often = try run.tune(change: { $0.evaluateEvery = 1 })
    #expect(try content(run.defenseFolder, "defense_result.pt") == result)
    #expect(try cells(run, ["train_epoch_loss_avg_over_batch"]) == losses)
    #expect(often.outcome.after == plain.outcome.after)
  }
}
