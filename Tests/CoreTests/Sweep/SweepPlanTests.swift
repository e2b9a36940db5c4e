import Core
import Foundation
import TestSupport
import Testing

@Suite struct SweepPlanTests {
  private func plan(_ text: String, _ flags: [ConfigArgument] = []) throws -> SweepPlan {
    let yaml = try TemporaryYAML(text)
    return try ConfigDecoder.sweep(plan: yaml.path, flags: flags).configuration
  }

  private func runs(_ text: String) throws -> [String] {
    try plan(text).groups.flatMap { [$0.attack.id] + $0.tunings.map(\.id) }
  }

  @Test func ratesThenAttacksThenTuningSeedsThenModesThenAlphas() throws {
    let runs = try runs(
      """
      attacks: [badnet, sig]
      pratios: [0.1, 0.01]
      clean: true
      modes: [ft, fst]
      alphas: [0.1, 0.2]
      tuning_seeds: [0, 3]
      """)
    var expected = ["clean-seed_0"]
    for ratio in ["0.1", "0.01"] {
      for attack in ["badnet", "sig"] {
        let id = "\(attack)-pratio_\(ratio)-seed_0"
        expected.append(id)
        for seed in [0, 3] {
          expected += ["ft", "fst-alpha_0.1", "fst-alpha_0.2"].map { "\(id).\($0)-seed_\(seed)" }
        }
      }
    }
    #expect(runs == expected)
  }

  @Test func theCountIsTheProductOfTheLists() throws {
    let plan = try plan(
      """
      attacks: [badnet, blended, sig]
      pratios: [0.1, 0.05, 0.01, 0.005]
      clean: true
      attack_seeds: [0, 1]
      modes: [ft, lp, fe-tuning, ft-init, fst]
      alphas: [0.05, 0.1, 0.2]
      tuning_seeds: [0, 1, 2]
      """)
    #expect(plan.groups.count == 2 + 3 * 4 * 2)
    #expect(plan.runCount == 2 + 3 * 4 * 2 * (1 + 7 * 3))
    for group in plan.groups {
      #expect(group.tunings.count == (group.attack.id.hasPrefix("clean") ? 0 : 21))
    }
  }

  @Test func aPlanOfMoreRunsThanAreMadeIsRefusedBeforeTheyAre() throws {
    func list(_ count: Int) -> String { "[\((0..<count).map { "\($0)" }.joined(separator: ", "))]" }
    let text = "attack_seeds: \(list(2000))\ntuning_seeds: \(list(2000))\nmodes: [ft]\n"
    let seconds = processorSeconds {
      let error = #expect(throws: ConfigError.self) { try plan(text) }
      #expect(error?.description.contains("expected at most 5000 runs in a plan, found") == true)
    }
    #expect(seconds < 3)
    #expect(try plan("attack_seeds: \(list(100))\nmodes: []\n").runCount == 100)
  }

  @Test func anAttackMayHaveRatesOfItsOwn() throws {
    let lists = "attacks: [badnet, sig]\npratios: [0.1, 0.02, 0.01]\nmodes: []\n"
    #expect(
      try runs("\(lists)attack:\n  sig: {pratios: [0.05, 0.01], sig_f: 5}\n") == [
        "badnet-pratio_0.1-seed_0", "sig-pratio_0.05-seed_0", "badnet-pratio_0.02-seed_0",
        "sig-pratio_0.01-seed_0", "badnet-pratio_0.01-seed_0",
      ])
    #expect(
      try runs("\(lists)clean: true\nattack:\n  sig:\n    pratios: 0\n").filter {
        $0.hasPrefix("clean") || $0.hasPrefix("sig")
      } == ["sig-pratio_0.0-seed_0"])
  }

  @Test func thePlansPrecisionIsTheMostThatARunWants() throws {
    for (text, precision) in [
      ("modes: [ft]\n", PrecisionChoice.float32), ("modes: [ft]\nprecision: auto\n", .auto),
      ("modes: [ft]\nprecision: auto\ntune: {precision: int16}\n", .int16),
      ("attacks: [badnet, sig]\nmodes: []\nattack: {sig: {precision: int16}}\n", .int16),
    ] { #expect(try plan(text).precision == precision, "\(text)") }
  }

  @Test func aRateOfZeroAmongTheRatesIsTheCleanModel() throws {
    #expect(
      try runs("pratios: [0]\nclean: true\nmodes: [ft]\n")
        == ["badnet-pratio_0.0-seed_0", "badnet-pratio_0.0-seed_0.ft-seed_0"])
    #expect(try runs("modes: []\n") == ["badnet-pratio_0.1-seed_0"])
  }

  @Test func seedsOtherThanZeroHaveFoldersOfTheirOwn() throws {
    let groups = try plan("attack_seeds: [0, 4]\nmodes: [ft]\ntuning_seeds: [0, 7]\nsave: all\n")
      .groups
    let folders = groups.map(\.attack.configuration.folder)
    #expect(
      folders == [
        "record/cifar10/badnet/pratio_0.1-target_0-archi_resnet18",
        "record/cifar10/badnet/pratio_0.1-target_0-archi_resnet18-seed_4",
      ])
    for (group, folder) in zip(groups, folders) {
      #expect(
        group.tunings.map(\.configuration.defenseFolder)
          == ["\(folder)/defense/ft", "\(folder)/defense/ft-seed_7"])
      #expect(group.tunings.allSatisfy { $0.configuration.save })
    }
  }

  @Test(arguments: [("none", 0), ("first", 1), ("all", 2)])
  func saveSaysWhichTuningSeedsModelsStay(word: String, count: Int) throws {
    let group = try #require(
      plan("modes: [ft]\ntuning_seeds: [5, 6]\nsave: \(word)\n").groups.first)
    #expect(group.tunings.count { $0.configuration.save } == count)
    #expect(group.tunings.first?.configuration.save == (count > 0))
  }

  @Test func settingsReachTheRunsTheyAreFor() throws {
    let plan = try plan(
      """
      dataset: synthetic
      threads: 2
      attack:
        width: 16
        epochs: 3
        lr: 0.2
      tune:
        epochs: 4
      """, [ConfigArgument(key: "threads", value: .integer(1))])
    let group = try #require(plan.groups.first)
    let tune = try #require(group.tunings.first).configuration
    let attack = group.attack.configuration
    #expect(attack.dataset == "synthetic" && tune.dataset == "synthetic")
    #expect(attack.threads == 1 && tune.threads == 1)
    #expect(attack.width == 16 && tune.width == nil)
    #expect(attack.epochs == 3 && tune.epochs == 4)
    #expect(attack.learningRate == 0.2 && tune.learningRate == 0.01)
    #expect(attack.resume == .auto)
    #expect(tune.archivePath == "\(attack.folder)/attack_result.pt")
  }

  @Test func withoutAlphasTheDatasetsIsTaken() throws {
    #expect(try plan("modes: [fst]\ndataset: tiny\n").alphas == [0.001])
    #expect(try plan("modes: [fst]\ndataset: gtsrb\nalphas: [0.3]\n").alphas == [0.3])
    let group = try #require(plan("modes: [fst]\ndataset: gtsrb\nimg_size: 48\n").groups.first)
    let tune = try #require(group.tunings.first).configuration
    #expect(tune.alpha == 0.1 && tune.epochs == 15 && tune.imageSide == 48)
    #expect(group.attack.configuration.imageSide == 48)
  }

  @Test func onlyWhatDecidesAResultIsComparedByItsSettings() throws {
    func settings(_ text: String) throws -> [String: String] {
      try #require(plan(text).groups.first).attack.configuration.decisiveSettings
    }
    let plain = try settings("dataset: cifar10\n")
    #expect(try settings("threads: 2\ndataset_path: /x\nrecord: record/y\n") == plain)
    #expect(try settings("split_ratio: 0.5\n") == plain)
    #expect(try settings("split_ratio: 0.5\ntuning_split: held_out\n") != plain)
    #expect(try settings("attack:\n  lr: 0.3\n") != plain)
    #expect(try settings("pratios: 0.2\n") != plain)
    #expect(try settings("attack:\n  sig_delta: 41.0\n") == plain)
    let sig = "attacks: sig\n"
    #expect(try settings(sig + "attack:\n  sig_delta: 41.0\n") != settings(sig))
  }

  @Test(arguments: [
    ("atacks: [badnet]\n", ":1: unknown key 'atacks'; did you mean 'attacks'?"),
    ("attacks: [badnet]\ntune:\n  epoch: 3\n", ":3: unknown key 'epoch'; did you mean 'epochs'?"),
    ("attack:\n  lr: -1\n", ":2: lr: expected a number of at least 0, found -1"),
    ("attacks: [badnets]\n", ":1: attacks: expected a list, nothing in it twice, of badnet, "),
    ("attacks: []\n", ":1: attacks: expected a list"),
    ("pratios: [0.1, 0.1]\n", ":1: pratios: expected a list, nothing in it twice"),
    ("attack:\n  sig: {pratios: [2]}\n", ":2: pratios: expected a list"),
    ("attack: {pratios: [0.1]}\n", ":1: pratios is not a key of this section"),
    ("alphas: [much]\n", ":1: alphas: expected a list"),
    ("save: some\n", ":1: save: expected one of none, first, all"),
    ("attack:\n  pratio: 0.1\n", ":2: pratio is not a key of this section"),
    ("tune:\n  dataset: cifar10\n", ":2: dataset belongs to the top of the plan"),
    ("attack: badnet\n", ":1: attack: expected 'key: value' lines below it"),
    ("tune:\n  lr: 1\n  lr: 2\n", ": given twice"), ("attacks: [badnet\n", "not YAML"),
    ("resume: true\n", ":1: unknown key 'resume'"),
  ])
  func aMistakeIsNamedWithFileLineAndKey(text: String, words: String) throws {
    let yaml = try TemporaryYAML(text)
    let error = #expect(throws: ConfigError.self) {
      try ConfigDecoder.sweep(plan: yaml.path, flags: [])
    }
    let message = error?.description ?? ""
    #expect(message.hasPrefix(yaml.path), "\(message)")
    #expect(message.contains(words), "\(message)")
    #expect(!message.contains("\n"))
  }

  @Test func tasksShareTheAttacksAndLeaveNone() throws {
    let plan = try plan("attacks: [badnet, blended, sig]\npratios: [0.1, 0.2]\nclean: true\n")
    var ids: [String] = []
    for index in 0..<3 {
      var selection = SweepSelection()
      (selection.index, selection.taskCount) = (index, 3)
      let groups = try selection.groups(of: plan)
      #expect(groups.allSatisfy { plan.groups.contains($0) })
      ids += groups.map(\.attack.id)
    }
    #expect(ids.sorted() == plan.groups.map(\.attack.id).sorted())
  }

  @Test func trojansTriggerIsMadeFromThePlansCleanModel() throws {
    let lists = "attacks: [trojannn, sig]\nattack_seeds: [0, 2]\nmodes: [ft]\n"
    let plan = try plan("\(lists)clean: true\n")
    let clean = plan.groups.filter { $0.attack.id.hasPrefix("clean") }.map(\.attack.configuration)
    #expect(clean.map(\.attack) == [.sig, .sig])
    let trojan = plan.groups.map(\.attack.configuration).filter { $0.attack == .trojannn }
    #expect(
      trojan.map { $0.settings[TrojanNN.self].cleanModelPath }
        == clean.map { "\($0.folder)/attack_result.pt" })

    var selection = SweepSelection()
    selection.only = "trojannn.*seed_2.ft"
    #expect(
      try selection.groups(of: plan).map(\.attack.id)
        == ["clean-seed_2", "trojannn-pratio_0.1-seed_2"])
    selection.only = nil
    selection.taskCount = 4
    let tasks = try (0..<4).map { index in
      selection.index = index
      return try selection.groups(of: plan).map(\.attack.id)
    }
    #expect(
      tasks == [
        ["clean-seed_0", "trojannn-pratio_0.1-seed_0"],
        ["clean-seed_2", "trojannn-pratio_0.1-seed_2"],
        ["sig-pratio_0.1-seed_0"], ["sig-pratio_0.1-seed_2"],
      ])

    let own = try self.plan("\(lists)clean: true\nattack:\n  pretrain_model_path: /x.pt\n")
    #expect(
      own.groups.allSatisfy {
        $0.attack.configuration.settings[TrojanNN.self].cleanModelPath == "/x.pt"
      })
  }

  @Test func onlyNamesRunsAndKeepsTheAttacksTheyNeed() throws {
    let plan = try plan("attacks: [badnet, sig]\nmodes: [ft, fst]\nclean: true\n")
    var selection = SweepSelection()
    selection.only = "sig.*\\.fst"
    let groups = try selection.groups(of: plan)
    #expect(groups.map(\.attack.id) == ["sig-pratio_0.1-seed_0"])
    #expect(groups.first?.tunings.map(\.id) == ["sig-pratio_0.1-seed_0.fst-alpha_0.2-seed_0"])
    selection.only = "^clean"
    #expect(try selection.groups(of: plan).map(\.attack.id) == ["clean-seed_0"])
    selection.only = "("
    #expect(throws: ConfigError.self) { try selection.groups(of: plan) }
  }
}
