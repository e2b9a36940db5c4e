import Foundation

extension ConfigDecoder {
  /// The plan in the YAML file at `path` with all its runs; throws `ConfigError`.
  ///
  /// `flags` override what the plan says of attacks and tunings.
  public static func sweep(
    plan path: String, flags: [ConfigArgument]
  ) throws -> DecodedConfiguration<SweepPlan> {
    let parts = [
      "attack": AttackName.allCases.map(\.rawValue),
      "tune": FineTuningMode.allCases.map(\.rawValue),
      "defend": DefenceName.allCases.map(\.rawValue),
    ]
    let (top, sections) = try ConfigLayer.read(path, sections: parts)
    let planKeys = SweepPlan.fields.map(\.key)
    var (own, shared) = (ConfigLayer(flags: []), ConfigLayer(flags: []))
    for setting in top.settings {
      if planKeys.contains(setting.key) {
        own.settings.append(setting)
      } else if SweepPlan.sharedKeys.contains(setting.key) {
        shared.settings.append(setting)
      } else {
        throw ConfigError.unknownKey(
          setting.key, origin: setting.origin,
          nearest: NearestKey.of(
            setting.key, among: planKeys + SweepPlan.sharedKeys + parts.keys.sorted()))
      }
    }
    try own.settings.forEach(requireNames)
    let name = PathText.stem(of: path)
    var plan = try decode(
      SweepPlan(name: name), SweepPlan.fields, layers: [own], otherKeys: []
    ).configuration
    if !own.settings.contains(where: { $0.key == "alphas" }) {
      plan.alphas = [alpha(in: [shared, ConfigLayer(flags: flags)])]
    }
    var attack = sections["attack"] ?? ConfigSection()
    plan.ownPoisonRatios = try takePoisonRatios(from: &attack)
    try requireFewRuns(plan, path: path)
    try requireModels(of: plan, in: own)
    let expansion = try SweepExpansion(
      plan: plan, shared: shared, attack: checked(attack),
      tune: checked(
        sections["tune"], inParts: SweepPlan.commonKeys.subtracting(SweepPlan.keysOfDefences)),
      defend: checkedDefences(sections["defend"], of: plan),
      flags: ConfigLayer(flags: flags))
    let (groups, warnings) = try expansion.groups()
    plan.groups = groups
    return DecodedConfiguration(configuration: plan, warnings: warnings)
  }

  /// The `pratios` that attacks have in their parts of `section`, from which they are removed.
  private static func takePoisonRatios(
    from section: inout ConfigSection
  ) throws -> [AttackName: [Double]] {
    var ratios: [AttackName: [Double]] = [:]
    for attack in AttackName.allCases {
      guard var part = section.parts[attack.rawValue] else { continue }
      var own = ConfigLayer(flags: [])
      own.settings = part.settings.filter { $0.key == SweepPlan.ratioKey }
      guard !own.settings.isEmpty else { continue }
      ratios[attack] = try decode(
        SweepPlan(name: attack.rawValue), SweepPlan.fields, layers: [own], otherKeys: []
      ).configuration.poisonRatios
      part.settings.removeAll { $0.key == SweepPlan.ratioKey }
      section.parts[attack.rawValue] = part
    }
    return ratios
  }

  /// Throws where a name in a list is none, with the one that was probably meant.
  private static func requireNames(_ setting: ConfigSetting) throws {
    let known = [
      "attacks": AttackName.allCases.map(\.rawValue),
      "defences": DefenceName.purifiers.map(\.rawValue),
      "modes": FineTuningMode.allCases.map(\.rawValue),
    ]
    var values = [setting.value]
    if case .list(let several) = setting.value { values = several }
    guard let names = known[setting.key],
      let wrong = values.compactMap(\.nonEmptyText).first(where: { !names.contains($0) }),
      let field = SweepPlan.fields.first(where: { $0.key == setting.key })
    else { return }
    var hint = NearestKey.of(wrong, among: names).map { "; did you mean '\($0)'?" } ?? ""
    if FineTuningMode(rawValue: wrong) != nil { hint = "; '\(wrong)' is one of modes" }
    if wrong == DefenceName.ra.rawValue { hint = "; 'ra' tests the others: retuning: true" }
    if wrong == DefenceName.qra.rawValue { hint = "; 'qra' tests the others: reactivation: true" }
    throw ConfigError.invalidValue(
      key: setting.key, origin: setting.origin, expected: field.expected,
      found: setting.value.description + hint)
  }

  /// Throws where models are tested that the plan says not to keep.
  private static func requireModels(of plan: SweepPlan, in own: ConfigLayer) throws {
    if plan.isQueried, !plan.isRetuned || !plan.trainsCleanModel {
      let given = own.settings.first { $0.key == "reactivation" }
      throw ConfigError.invalidValue(
        key: "reactivation", origin: given?.origin ?? .flag,
        expected: "retuning: true and clean: true too, whose models it takes", found: "true")
    }
    guard !plan.tests.isEmpty, plan.save == .none else { return }
    let given = own.settings.first { $0.key == "save" }
    throw ConfigError.invalidValue(
      key: "save", origin: given?.origin ?? .flag,
      expected: "first or all together with retuning, which starts from the models that are kept",
      found: "none")
  }

  /// The weight that tunings of the dataset named in `layers` have where none is given.
  private static func alpha(in layers: [ConfigLayer]) -> SweepAlpha {
    let named = layers.flatMap(\.settings).last { $0.key == "dataset" }
    guard case .text(let name)? = named?.value else { return .number(Datasets.usual.tuning.alpha) }
    return .number((Datasets.named(name) ?? Datasets.usual).tuning.alpha)
  }

  /// The most runs of a plan; each of them is kept in memory with all its settings.
  static let maximumRuns = 5000

  /// Throws where the lists of `plan` are more runs than a plan may have, before they are made.
  private static func requireFewRuns(_ plan: SweepPlan, path: String) throws {
    let purified =
      plan.modes.reduce(0) { $0 + ($1 == .fst ? plan.alphas.count : 1) } + plan.defences.count
    let tunings = purified * (1 + plan.tests.count)
    let sizes = [
      plan.attackSeeds.count, plan.mostPoisonRatios, plan.attacks.count,
      1 + tunings * plan.tuningSeeds.count,
    ]
    // Each list has at most as many items as a file has values, so no pair of them overflows.
    let runs = sizes.reduce(1.0) { $0 * Double($1) }
    guard runs + Double(plan.trainsCleanModel ? plan.attackSeeds.count : 0) <= Double(maximumRuns)
    else {
      throw ConfigError.unreadable(
        path: path,
        reason: "expected at most \(maximumRuns) runs in a plan, found \(sizes[0]) attack_seeds x "
          + "\(sizes[1]) pratios x \(sizes[2]) attacks x \(sizes[3]), each with its tunings")
    }
  }

  /// A section, which must not have keys that do not belong there: those of the plan's lists, nor
  /// in its parts those of `common` that all runs share.
  private static func checked(
    _ section: ConfigSection?, inParts common: Set<String> = SweepPlan.commonKeys
  ) throws -> ConfigSection {
    guard let section else { return ConfigSection() }
    try refuse(SweepPlan.listedKeys, SweepPlan.commonKeys, in: section.own)
    for part in section.parts.values { try refuse(SweepPlan.listedKeys, common, in: part) }
    return section
  }

  /// The section of defences, whose keys for all of them must each be one of some defence's.
  private static func checkedDefences(
    _ section: ConfigSection?, of plan: SweepPlan
  ) throws -> ConfigSection {
    guard var section else { return ConfigSection() }
    section.own = try section.own.renaming(tuneSynonyms)
    let common = SweepPlan.commonKeys.subtracting(SweepPlan.keysOfDefences)
    for layer in [section.own] + section.parts.values {
      try refuse(SweepPlan.listedKeysOfDefences, common, in: layer)
    }
    let fields = DefendConfiguration.fields
    for setting in section.own.settings {
      guard let field = fields.first(where: { $0.key == setting.key }) else {
        throw ConfigError.unknownKey(
          setting.key, origin: setting.origin,
          nearest: NearestKey.of(
            setting.key, among: fields.map(\.key) + DefenceName.allCases.map(\.rawValue)))
      }
      guard !DefenceName.allCases.contains(where: { field.concerns($0.rawValue) }) else { continue }
      guard case .file(let path, let line) = setting.origin else { continue }
      throw ConfigError.malformed(
        path: path, line: line,
        problem: "\(setting.key) belongs to the section attack, since it decides a trigger")
    }
    return section
  }

  /// Throws where `layer` has keys that the plan's lists give, or that belong to its top.
  private static func refuse(
    _ listed: Set<String>, _ common: Set<String>, in layer: ConfigLayer
  ) throws {
    for setting in layer.settings {
      guard case .file(let path, let line) = setting.origin else { continue }
      if common.contains(setting.key) {
        throw ConfigError.malformed(
          path: path, line: line,
          problem: "\(setting.key) belongs to the top of the plan, for attacks and tunings alike")
      }
      if listed.contains(setting.key) {
        let lists = SweepPlan.fields.map(\.key).joined(separator: ", ")
        throw ConfigError.malformed(
          path: path, line: line,
          problem: "\(setting.key) is not a key of this section; the plan's own are \(lists)")
      }
    }
  }
}
