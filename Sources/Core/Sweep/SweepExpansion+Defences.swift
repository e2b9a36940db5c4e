// A plan's defences, and the tests of what they and the tunings have left, as runs.

extension SweepExpansion {
  /// The run of the defence called `name` on the result of `attack`.
  func defence(
    _ name: DefenceName, of attack: AttackConfiguration, _ attackID: String, seed: UInt64
  ) throws -> DecodedConfiguration<SweepTuning> {
    let given =
      Self.given(of: attack) + [
        ConfigArgument(key: "random_seed", value: .integer(Int(seed)))
      ]
    let decoded = try decode(
      name, layers: [shared, concerning(name, defend.own)], given: given, of: attack)
    var defence = decoded.configuration
    place(&defence.shared, name.rawValue, seed: seed)
    return DecodedConfiguration(
      configuration: SweepTuning(
        id: "\(attackID).\(name.rawValue)-seed_\(seed)", method: .defence(defence)),
      warnings: decoded.warnings)
  }

  /// The run of the test called `name` on what `tested` has left of the result of `attack`.
  ///
  /// A test is one and the same for all that it tests: of the plan it has the place and the machine,
  /// but neither the training nor the share of images of those, and its own seed.
  func test(
    _ name: DefenceName, of tested: SweepTuning, _ attack: AttackConfiguration,
    cleanModel: String?
  ) throws -> DecodedConfiguration<SweepTuning> {
    let folder = tested.configuration.defenseName ?? tested.method.name
    var given =
      Self.given(of: attack) + [
        ConfigArgument(key: "defense_type", value: .text(folder))
      ]
    if name == .qra, let cleanModel {
      given.append(ConfigArgument(key: "clean_model_path", value: .text(cleanModel)))
    }
    var place = shared
    place.settings.removeAll { Self.trainingKeys.contains($0.key) }
    var decoded = try decode(name, layers: [place], given: given, of: attack)
    decoded.configuration.shared.keysOfArchive = []
    decoded.configuration.shared.resume = .auto
    // What ra leaves is what qra starts from.
    decoded.configuration.shared.save = name == .ra && plan.isQueried
    return DecodedConfiguration(
      configuration: SweepTuning(
        id: "\(tested.id).\(name.rawValue)", method: .defence(decoded.configuration),
        tested: SweepTuning.Tested(id: tested.id, method: tested.method)),
      warnings: decoded.warnings)
  }

  /// What decides how a model is trained, but for what all ranks' sums are taken over.
  private static let trainingKeys: Set<String> = Set(
    DefendConfiguration.fields.filter { $0.words.section == .training }.map(\.key)
  ).subtracting(["sync_bn"]).union(["split_ratio", "tuning_split", "augment"])

  /// Lines on settings of the plan's sections that no run of it reads.
  var idleSettings: [String] {
    let attacks = Set(plan.attacks.map(\.rawValue))
    let defences = plan.defences + plan.tests
    let modes = Set(plan.modes.map(\.rawValue))
    let idle =
      attack.parts.keys.filter { !attacks.contains($0) }.map { "attack: \($0)" }
      + tune.parts.keys.filter { !modes.contains($0) }.map { "tune: \($0)" }
      + defend.parts.keys.filter { name in !defences.contains { $0.rawValue == name } }
      .map { "defend: \($0)" }
      + defend.own.settings.filter { setting in
        !plan.defences.contains { !concerning($0, ConfigLayer([setting])).settings.isEmpty }
      }.map { "defend: \($0.key)" }
    return idle.isEmpty
      ? [] : ["no effect on this plan's runs: \(idle.sorted().joined(separator: ", "))"]
  }

  private func decode(
    _ name: DefenceName, layers: [ConfigLayer], given: [ConfigArgument],
    of attack: AttackConfiguration
  ) throws -> DecodedConfiguration<DefendConfiguration> {
    let part = defend.parts[name.rawValue].map { [$0] } ?? []
    var decoded = try ConfigDecoder.defend(
      name, layers: layers + part + [flags, ConfigLayer(flags: given)])
    decoded.configuration.shared.settings = attack.settings
    return decoded
  }

  private static func given(of attack: AttackConfiguration) -> [ConfigArgument] {
    [
      ConfigArgument(key: "attack", value: .text(attack.attack.rawValue)),
      ConfigArgument(key: "pratio", value: .real(attack.poisonRatio)),
      ConfigArgument(key: "result", value: .text(attack.folder)),
    ]
  }

  /// What of `layer`, which is for all defences, the one called `name` has.
  private func concerning(_ name: DefenceName, _ layer: ConfigLayer) -> ConfigLayer {
    var own = layer
    own.settings.removeAll { setting in
      !DefendConfiguration.fields.contains {
        $0.key == setting.key && $0.concerns(name.rawValue)
      }
    }
    return own
  }
}
