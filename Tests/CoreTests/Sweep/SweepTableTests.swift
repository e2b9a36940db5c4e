import Core
import Distributed
import Foundation
import Testing

@Suite struct SweepTableTests {
  private static func metrics(_ clean: Int64, _ attack: Int64, _ robust: Int64) -> BackdoorMetrics {
    var metrics = BackdoorMetrics()
    (metrics.cleanCorrect, metrics.cleanTotal) = (clean, 1000)
    metrics.attackSuccesses = attack
    metrics.robustCorrect = robust
    metrics.triggeredTotal = 900
    return metrics
  }

  private static func result(
    _ id: String, _ settings: [String: String], after: BackdoorMetrics? = nil
  ) -> SweepResult {
    SweepResult(
      id: id, settings: settings, before: metrics(900, 891, 9), after: after, seconds: 2.5,
      folder: "", threads: 2, communicator: SoloCommunicator())
  }

  /// An attack and three seeds of one tuning of it, results of the first `count` of which are there.
  private func table(_ count: Int) throws -> SweepTable {
    let yaml = try TemporaryYAML("alphas: [0.1]\ntuning_seeds: [0, 1, 2]\n")
    let plan = try ConfigDecoder.sweep(plan: yaml.path, flags: []).configuration
    let group = try #require(plan.groups.first)
    let after = [Self.metrics(880, 90, 800), Self.metrics(850, 0, 810), Self.metrics(895, 45, 790)]
    var results = [
      group.attack.id: [
        Self.result(group.attack.id, group.attack.configuration.decisiveSettings)
      ]
    ]
    for (tuning, metrics) in zip(group.tunings, after).prefix(count) {
      results[tuning.id] = [
        Self.result(tuning.id, tuning.settings(of: group.attack), after: metrics)
      ]
    }
    return SweepTable(plan, results: results)
  }

  @Test func aMeanHasTheSmallestAndTheLargestBesideIt() throws {
    let lines = try table(3).markdown.split(separator: "\n")
    #expect(lines.contains("| badnet | 0.1 | none |  | 1 | 0.9000 | 0.9900 | 0.0100 |  |"))
    #expect(
      lines.contains(
        "| badnet | 0.1 | fst | 0.1 | 3 | 0.8750 (0.8500…0.8950) | 0.0500 (0.0000…0.1000) "
          + "| 0.8889 (0.8778…0.9000) | 0.0250 (0.0050…0.0500) |"))
  }

  @Test func oneRunHasNoSpread() throws {
    let lines = try table(1).markdown.split(separator: "\n")
    #expect(
      lines.last == "| badnet | 0.1 | fst | 0.1 | 1 | 0.8800 | 0.1000 | 0.8889 | 0.0200 |")
    #expect(lines.first?.hasSuffix(": 2 of 4 runs") == true)
  }

  @Test func theCSVHasARowForEachRunWithItsCounts() throws {
    let rows = try table(2).csv.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    #expect(rows.count == 4)
    #expect(Set(rows.map(\.count)).count == 1)
    #expect(
      rows[1] == [
        "badnet", "0.1", "none", "", "0", "", "0.900000", "0.990000", "0.010000", "", "", "", "900",
        "891", "9", "", "", "", "1000", "900", "done", "2.5", "1",
        "2",
      ])
    #expect(
      rows[3] == [
        "badnet", "0.1", "fst", "0.1", "0", "1", "0.900000", "0.990000", "0.010000", "0.850000",
        "0.000000", "0.900000", "900", "891", "9", "850", "0", "810", "1000", "900", "done", "2.5",
        "1", "2",
      ])
  }

  @Test func aResultOfOtherSettingsIsNoneOfThePlans() throws {
    let yaml = try TemporaryYAML("modes: [ft]\n")
    let plan = try ConfigDecoder.sweep(plan: yaml.path, flags: []).configuration
    let group = try #require(plan.groups.first)
    var settings = group.attack.configuration.decisiveSettings
    settings["lr"] = "0.7"
    let id = group.attack.id
    #expect(SweepTable(plan, results: [id: [Self.result(id, settings)]]).count == 0)
    // A key that was not known when the result was written counts as its default.
    settings["lr"] = nil
    #expect(SweepTable(plan, results: [id: [Self.result(id, settings)]]).count == 1)
  }
}
