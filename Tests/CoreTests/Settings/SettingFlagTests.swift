import Core
import Testing

/// Flags come from the tables of fields: what is a key is a flag, with its sentence.
@Suite struct SettingFlagTests {
  private static func facts<Target>(
    _ fields: [ConfigField<Target>]
  ) -> [(key: String, help: String)] {
    fields.map { ($0.key, $0.help) }
  }

  @Test func everySettingHasASentenceAndAFlag() {
    let tables = [
      (Self.facts(AttackConfiguration.fields), AttackConfiguration.flags),
      (Self.facts(TuneConfiguration.fields), TuneConfiguration.flags),
      (Self.facts(EvaluateConfiguration.fields), EvaluateConfiguration.flags),
      (Self.facts(FeatureSheetConfiguration.fields), FeatureSheetConfiguration.flags),
    ]
    for (facts, flags) in tables {
      for fact in facts {
        #expect(!fact.help.isEmpty && !fact.help.hasSuffix("."), "\(fact.key)")
        let isFlag = flags.contains { $0.key == fact.key && $0.names.contains(fact.key) }
        #expect(isFlag || fact.key == "attack", "\(fact.key)")
      }
      let names = flags.flatMap { $0.names + $0.shortNames }
      #expect(Set(names).count == names.count)
      #expect(flags.allSatisfy { $0.help.hasSuffix(".") || $0.help.hasSuffix(")") })
    }
  }

  @Test func theFlagsOfASectionStandTogether() {
    for flags in [
      AttackConfiguration.flags, TuneConfiguration.flags, AttackConfiguration.triggerFlags,
    ] {
      var titles = flags.map(\.section)
      titles = titles.indices.filter { $0 == 0 || titles[$0] != titles[$0 - 1] }.map { titles[$0] }
      #expect(Set(titles).count == titles.count, "\(titles)")
    }
  }

  @Test func aDefaultIsTheConfigurationsOwn() throws {
    let attack = try #require(AttackConfiguration.flags.first { $0.key == "lr" })
    let tuning = try #require(TuneConfiguration.flags.first { $0.key == "lr" })
    #expect(attack.help == "The learning rate at the start (default: 0.1).")
    #expect(tuning.help == "The learning rate at the start (default: 0.01).")
  }

  @Test(arguments: [
    ("epochs", ["3"], ConfigValue.integer(3)), ("epochs", ["3.5"], .text("3.5")),
    ("lr", ["1"], .real(1)), ("lr", ["-1e-3"], .real(-0.001)), ("lr", ["fast"], .text("fast")),
    ("record", ["007"], .text("007")), ("record", ["true"], .text("true")),
    ("lb_smooth", ["none"], .null), ("lb_smooth", ["0.1"], .real(0.1)),
    ("steplr_milestones", ["5", "-7"], .list([.integer(5), .integer(-7)])),
    ("sync_bn", ["true"], .boolean(true)), ("sync_bn", ["off"], .boolean(false)),
    ("sync_bn", ["perhaps"], .text("perhaps")), ("resume", ["auto"], .text("auto")),
    ("resume", ["false"], .boolean(false)), ("mean", ["0.5,0.5,0.5"], .text("0.5,0.5,0.5")),
    ("compress", ["none"], .text("none")), ("no_augment", [], .boolean(false)),
  ])
  func wordsBecomeTheValueOfTheFlag(name: String, words: [String], value: ConfigValue) throws {
    let flag = try #require(AttackConfiguration.flags.first { $0.names.contains(name) })
    #expect(flag.value(words) == value)
  }

  @Test func eachAttackHasATableOfItsOwnSettings() {
    let tables = AttackSettingsTable.all(in: AttackConfiguration.fields)
    #expect(tables.map(\.attack) == AttackName.allCases.map(\.rawValue))
    #expect(tables[0].settings.map(\.key) == ["patch_mask_path"])
    #expect(tables[0].settings[0].role == .image)
    #expect(tables[2].settings.map(\.key) == ["sig_delta", "sig_f"])
    #expect(tables[2].settings[0].help == "The sinusoid's amplitude")
    #expect(tables[3].settings.contains { $0.key == "trojan_eps" })
    let shared = tables.filter { $0.settings.contains { $0.key == "attack_trigger_img_path" } }
    #expect(shared.map(\.attack) == ["blended", "trojannn", "blend_bypass"])
  }
}
