import Core
import Distributed
import Foundation
import Testing

/// Defences in a sweep's plan, beside its modes.
@Suite struct SweepDefencesTests {
  private func plan(_ text: String) throws -> SweepPlan {
    let yaml = try TemporaryYAML(text)
    return try ConfigDecoder.sweep(plan: yaml.path, flags: []).configuration
  }

  private func defence(_ plan: SweepPlan, _ name: String) throws -> DefendConfiguration {
    let run = try #require(plan.groups.last?.tunings.first { $0.method.name == name })
    guard case .defence(let defence) = run.method else {
      throw TestProblem(description: "\(name) is no defence")
    }
    return defence
  }

  private struct TestProblem: Error, CustomStringConvertible { let description: String }

  @Test func defencesFollowTheModesOfASeedEachWithItsTests() throws {
    let plan = try plan(
      """
      modes: [fst]
      alphas: [0.1, auto]
      defences: [clp, ft-sam]
      retuning: true
      tuning_seeds: [0, 2]
      """)
    let id = "badnet-pratio_0.1-seed_0"
    let expected = [0, 2].flatMap { seed in
      ["fst-alpha_0.1", "fst-alpha_auto", "clp", "ft-sam"].flatMap {
        ["\(id).\($0)-seed_\(seed)", "\(id).\($0)-seed_\(seed).ra"]
      }
    }
    let runs = try #require(plan.groups.first?.tunings)
    #expect(runs.map(\.id) == expected)
    #expect(plan.runCount == 1 + expected.count)
    #expect(runs.filter { $0.tested == nil }.allSatisfy { $0.configuration.save })
    #expect(runs[3].tested?.id == runs[2].id)
    #expect(
      runs[3].configuration.archivePath.hasSuffix("/defense/fst-alpha_auto/defense_result.pt"))
    #expect(runs[2].configuration.choosesAlpha && !runs[0].configuration.choosesAlpha)
  }

  @Test func settingsAreForAllDefencesOrForOne() throws {
    let plan = try plan(
      """
      defences: [clp, anp, rnp]
      retuning: true
      modes: []
      batch_size: 32
      split_ratio: 0.1
      defend:
        epochs: 7
        lr: 0.003
        clp:
          u: 4.0
        anp:
          nb_iter: 11
          lr: 0.02
        rnp:
          ratio: 0.01
        ra:
          poison_num: 9
      """)
    let (clp, anp, rnp) = (
      try defence(plan, "clp"), try defence(plan, "anp"), try defence(plan, "rnp")
    )
    #expect(clp.settings[ChannelLipschitzPruning.self].threshold == 4)
    #expect(anp.settings[AdversarialNeuronPruning.self].iterations == 11)
    #expect([clp, anp, rnp].map(\.shared.epochs) == [7, 7, 7])
    #expect([clp, anp, rnp].map(\.shared.learningRate) == [0.003, 0.02, 0.003])
    #expect([clp, anp, rnp].map(\.shared.splitRatio) == [0.1, 0.1, 0.01])
    #expect(clp.shared.batchSize == 32)
    let retuning = try defence(plan, "ra")
    #expect(retuning.shared.epochs == 5 && retuning.shared.batchSize == 128)
    #expect(retuning.shared.splitRatio == 0.02 && retuning.shared.randomSeed == 42)
  }

  @Test func aModeMayHaveSettingsOfItsOwn() throws {
    let plan = try plan(
      """
      modes: [ft, fst]
      split_ratio: 0.02
      tune:
        epochs: 7
        lr: 0.003
        ft:
          epochs: 100
          split_ratio: 0.05
      """)
    let tunings = try #require(plan.groups.last).tunings.map(\.configuration)
    #expect(tunings.map(\.epochs) == [100, 7])
    #expect(tunings.map(\.learningRate) == [0.003, 0.003])
    #expect(tunings.map(\.splitRatio) == [0.05, 0.02])
  }

  @Test func attacksMayHaveSettingsOfTheirOwn() throws {
    let plan = try plan(
      """
      attacks: [badnet, sig]
      modes: []
      attack:
        epochs: 3
        sig:
          epochs: 4
          sig_delta: 50.0
      """)
    #expect(plan.groups.map(\.attack.configuration.epochs) == [3, 4])
  }

  /// lc trains a robust model for itself, unless it is told to take a clean one.
  @Test func lcTakesTheCleanModelOnlyWhereItIsAskedTo() throws {
    func path(_ settings: String) throws -> String? {
      let plan = try plan("attacks: [lc, trojannn]\nclean: true\nmodes: []\n\(settings)")
      let arguments = plan.groups[1].attack.configuration.arguments
      guard
        case .text(let path)? = arguments.last(where: { $0.key == "pretrain_model_path" })?.value
      else { return nil }
      return path
    }
    #expect(try path("") == nil)
    #expect(try path("attack:\n  lc:\n    lc_model: clean\n") != nil)
    #expect(try plan("attacks: [lc]\nclean: true\nmodes: []\n").groups.count == 2)
  }

  @Test(arguments: [
    ("defences: [clip]\n", ":1: defences: expected a list, nothing in it twice, of ft-sam, clp, "),
    ("defences: [ft-sum]\n", "found ['ft-sum']; did you mean 'ft-sam'?"),
    ("defences: [ra]\n", "'ra' tests the others: retuning: true"),
    ("defences: [fst]\n", "'fst' is one of modes"),
    ("defend:\n  nb_itr: 3\n", ":2: unknown key 'nb_itr'; did you mean 'nb_iter'?"),
    ("defend:\n  ft_sam:\n    rho_max: 1\n", ":2: defend: expected one of ft-sam, clp, "),
    ("defend:\n  dataset: cifar10\n", ":2: dataset belongs to the top of the plan"),
    ("defend:\n  random_seed: 1\n", ":2: random_seed is not a key of this section"),
    ("defend:\n  sig_delta: 1\n", ":2: sig_delta belongs to the section attack"),
    ("tune:\n  fft:\n    lr: 1\n", ":2: tune: expected one of ft, "),
    ("tune:\n  ft:\n    model: resnet18\n", ":3: model belongs to the top of the plan"),
    ("tune:\n  split_ratio: 0.1\n", ":2: split_ratio belongs to the top of the plan"),
    ("tune:\n  ft:\n    random_seed: 1\n", ":3: random_seed is not a key of this section"),
    ("attack:\n  blendet:\n    lr: 1\n", "found 'blendet'; did you mean 'blended'?"),
    ("retuning: true\nsave: none\n", ":2: save: expected first or all together with retuning"),
    ("reactivation: true\n", ":1: reactivation: expected retuning: true and clean: true too"),
    ("alphas: [most]\n", ":1: alphas: expected a list, nothing in it twice, of numbers, or auto"),
  ])
  func aMistakeIsNamedWithFileLineAndKey(text: String, words: String) throws {
    let yaml = try TemporaryYAML(text)
    let error = #expect(throws: ConfigError.self) {
      try ConfigDecoder.sweep(plan: yaml.path, flags: [])
    }
    let message = error?.description ?? ""
    #expect(message.hasPrefix(yaml.path) && message.contains(words), "\(message)")
    #expect(!message.contains("\n"))
  }

  @Test func settingsThatNoRunReadsAreSaid() throws {
    let yaml = try TemporaryYAML("defences: [clp]\nmodes: []\ndefend:\n  anp:\n    lr: 1.0\n")
    let warnings = try ConfigDecoder.sweep(plan: yaml.path, flags: []).warnings
    #expect(warnings.contains("no effect on this plan's runs: defend: anp"))
    let tune = try TemporaryYAML("modes: [ft]\ntune:\n  fst:\n    lr: 1.0\n")
    #expect(
      try ConfigDecoder.sweep(plan: tune.path, flags: []).warnings
        .contains("no effect on this plan's runs: tune: fst"))
  }

  @Test func aTestIsNamedWithWhatItTests() throws {
    let plan = try plan("modes: [ft]\ndefences: [clp]\nretuning: true\n")
    var selection = SweepSelection()
    selection.only = "clp.*ra$"
    let runs = try selection.groups(of: plan).flatMap { $0.tunings.map(\.id) }
    let id = "badnet-pratio_0.1-seed_0.clp-seed_0"
    #expect(runs == [id, "\(id).ra"])
  }

  @Test func reactivationNeedsTheRetunedModelAndTheCleanOne() throws {
    let lists = "modes: [ft]\nretuning: true\nreactivation: true\nclean: true\n"
    let plan = try plan(lists)
    var selection = SweepSelection()
    selection.only = "qra$"
    let groups = try selection.groups(of: plan)
    let id = "badnet-pratio_0.1-seed_0.ft-seed_0"
    #expect(groups.map(\.attack.id) == ["clean-seed_0", "badnet-pratio_0.1-seed_0"])
    #expect(groups.last?.tunings.map(\.id) == [id, "\(id).ra", "\(id).qra"])
    func settings(_ text: String) throws -> [String: String] {
      let group = try #require(self.plan(text).groups.last)
      return try #require(group.tunings.last).settings(of: group.attack)
    }
    let plain = try settings(lists)
    #expect(try settings("\(lists)defend:\n  ra:\n    poison_num: 6\n") != plain)
    #expect(try settings("\(lists)tune:\n  lr: 0.5\n") != plain)
    #expect(try settings("\(lists)defend:\n  lr: 0.5\n") == plain)
  }

  // MARK: Tables

  private func metrics(_ clean: Int64, _ attack: Int64) -> BackdoorMetrics {
    var metrics = BackdoorMetrics()
    (metrics.cleanCorrect, metrics.cleanTotal) = (clean, 1000)
    (metrics.attackSuccesses, metrics.triggeredTotal) = (attack, 900)
    return metrics
  }

  @Test func theBoardHasDefencesInColumnsAndNamesWhatIsNotRun() throws {
    let plan = try plan("pratios: [0.1, 0.01]\nmodes: [ft]\ndefences: [clp]\nretuning: true\n")
    let group = try #require(plan.groups.first)
    var results = [
      group.attack.id: [
        SweepResult(
          id: group.attack.id, settings: group.attack.configuration.decisiveSettings,
          before: metrics(900, 891), seconds: 1, folder: "", threads: 1,
          communicator: SoloCommunicator())
      ]
    ]
    for (index, attack) in [(0, Int64(450)), (2, 90), (3, 720)] {
      let run = group.tunings[index]
      results[run.id] = [
        SweepResult(
          id: run.id, settings: run.settings(of: group.attack), before: metrics(900, 891),
          after: metrics(880, attack), seconds: 1, folder: "", threads: 1,
          communicator: SoloCommunicator())
      ]
    }
    let lines = SweepBoard(plan, results: results).markdown.split(separator: "\n")
    #expect(lines.contains("| attack | pratio | none | ft | clp |"))
    #expect(lines.contains("| badnet | 0.1 | 99.0 | 50.0 | 10.0 |"))
    #expect(lines.contains("| badnet | 0.01 |  |  |  |"))
    #expect(lines.contains("| badnet | 0.1 |  | 80.0 |"), "ASR after ra")
    #expect(lines.contains("## Not run yet: 6 of 10 cells"))
    #expect(lines.contains("- badnet at 0.1: ft then ra"))
    let table = SweepTable(plan, results: results)
    #expect(table.count == 4)
    let rows = table.csv.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    #expect(rows.count == 4 && Set(rows.map(\.count)).count == 1)
    #expect(rows[0].suffix(6).first == "c_acc_retuned")
    #expect(rows[3].suffix(5).first == "0.800000")
  }
}
