import Foundation

extension ConfigDecoder {
  /// The plan in the YAML file at `path` with all its runs; throws `ConfigError`.
  ///
  /// `flags` override what the plan says of attacks and tunings.
  public static func sweep(
    plan path: String, flags: [ConfigArgument]
  ) throws -> DecodedConfiguration<SweepPlan> {
    let (top, sections) = try ConfigLayer.read(path, sections: ["attack", "tune"])
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
            setting.key, among: planKeys + SweepPlan.sharedKeys + ["attack", "tune"]))
      }
    }
    let name = PathText.stem(of: path)
    var plan = try decode(
      SweepPlan(name: name), SweepPlan.fields, layers: [own], otherKeys: []
    ).configuration
    if !own.settings.contains(where: { $0.key == "alphas" }) {
      plan.alphas = [alpha(in: [shared, ConfigLayer(flags: flags)])]
    }
    try requireFewRuns(plan, path: path)
    let expansion = try SweepExpansion(
      plan: plan,
      attackLayers: [shared, checked(sections["attack"]), ConfigLayer(flags: flags)],
      tuneLayers: [shared, checked(sections["tune"]), ConfigLayer(flags: flags)])
    let (groups, warnings) = try expansion.groups()
    plan.groups = groups
    return DecodedConfiguration(configuration: plan, warnings: warnings)
  }

  /// The weight that tunings of the dataset named in `layers` have where none is given.
  private static func alpha(in layers: [ConfigLayer]) -> Double {
    let named = layers.flatMap(\.settings).last { $0.key == "dataset" }
    guard case .text(let name)? = named?.value else { return Datasets.usual.tuning.alpha }
    return (Datasets.named(name) ?? Datasets.usual).tuning.alpha
  }

  /// The most runs of a plan; each of them is kept in memory with all its settings.
  static let maximumRuns = 5000

  /// Throws where the lists of `plan` are more runs than a plan may have, before they are made.
  private static func requireFewRuns(_ plan: SweepPlan, path: String) throws {
    let tunings = plan.modes.reduce(0) { $0 + ($1 == .fst ? plan.alphas.count : 1) }
    let sizes = [
      plan.attackSeeds.count, plan.poisonRatios.count, plan.attacks.count,
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

  /// A section without the keys that do not belong there.
  private static func checked(_ section: ConfigLayer?) throws -> ConfigLayer {
    guard let section else { return ConfigLayer(flags: []) }
    for setting in section.settings {
      guard case .file(let path, let line) = setting.origin else { continue }
      if SweepPlan.commonKeys.contains(setting.key) {
        throw ConfigError.malformed(
          path: path, line: line,
          problem: "\(setting.key) belongs to the top of the plan, for attacks and tunings alike")
      }
      if SweepPlan.listedKeys.contains(setting.key) {
        let lists = SweepPlan.fields.map(\.key).joined(separator: ", ")
        throw ConfigError.malformed(
          path: path, line: line,
          problem: "\(setting.key) is not a key of this section; the plan's own are \(lists)")
      }
    }
    return section
  }
}

/// Makes a plan's lists into runs.
///
/// First the clean models; then rates within attack seeds, attacks within rates, and after each
/// attack its tunings, α within modes within tuning seeds. So every rate of every attack has a first
/// result of each mode early. An attack that starts from a clean model takes the plan's, where it
/// has one and names no other.
struct SweepExpansion {
  let plan: SweepPlan
  let attackLayers: [ConfigLayer]
  let tuneLayers: [ConfigLayer]

  /// All runs in order, and what the user should be told of how their settings were read.
  func groups() throws -> (groups: [SweepGroup], warnings: [String]) {
    var groups: [SweepGroup] = []
    var warnings: [String] = []
    func add(_ decoded: DecodedConfiguration<SweepGroup>) {
      groups.append(decoded.configuration)
      warnings += decoded.warnings.filter { !warnings.contains($0) }
    }
    let cleanAttack = plan.attacks.first { !$0.needsCleanModel } ?? .first
    var cleanModels: [UInt64: String] = [:]
    if plan.trainsCleanModel && !plan.poisonRatios.contains(0) {
      for seed in plan.attackSeeds {
        let clean = try group(
          "clean-seed_\(seed)", cleanAttack, ratio: 0, seed: seed, isTuned: false)
        cleanModels[seed] = "\(clean.configuration.attack.configuration.folder)/attack_result.pt"
        add(clean)
      }
    }
    for seed in plan.attackSeeds {
      for ratio in plan.poisonRatios {
        for attack in plan.attacks {
          let id = "\(attack.rawValue)-pratio_\(ratio.pythonRepr)-seed_\(seed)"
          add(
            try group(
              id, attack, ratio: ratio, seed: seed, cleanModel: cleanModels[seed], isTuned: true))
        }
      }
    }
    return (groups, warnings)
  }

  private func group(
    _ id: String, _ attack: AttackName, ratio: Double, seed: UInt64, cleanModel: String? = nil,
    isTuned: Bool
  ) throws -> DecodedConfiguration<SweepGroup> {
    let given = ConfigLayer(flags: [
      ConfigArgument(key: "attack", value: .text(attack.rawValue)),
      ConfigArgument(key: "pratio", value: .real(ratio)),
      ConfigArgument(key: "random_seed", value: .integer(Int(seed))),
    ])
    let decoded = try ConfigDecoder.attack(attack, layers: attackLayers + [given], otherKeys: [])
    var configuration = decoded.configuration
    configuration.resume = .auto
    if seed != 0 { configuration.nameFolderBySeed() }
    if let cleanModel { configuration.takeCleanModel(cleanModel) }
    var result = DecodedConfiguration(
      configuration: SweepGroup(
        attack: SweepAttack(id: id, configuration: configuration), tunings: []),
      warnings: decoded.warnings)
    guard isTuned else { return result }
    for tuningSeed in plan.tuningSeeds {
      for mode in plan.modes {
        for alpha in mode == .fst ? plan.alphas.map(Optional.some) : [nil] {
          let tuning = try tuning(of: configuration, id, mode, alpha: alpha, seed: tuningSeed)
          result.configuration.tunings.append(tuning.configuration)
          result.warnings += tuning.warnings
        }
      }
    }
    return result
  }

  private func tuning(
    of attack: AttackConfiguration, _ attackID: String, _ mode: FineTuningMode, alpha: Double?,
    seed: UInt64
  ) throws -> DecodedConfiguration<SweepTuning> {
    var given = [
      ConfigArgument(key: "attack", value: .text(attack.attack.rawValue)),
      ConfigArgument(key: "pratio", value: .real(attack.poisonRatio)),
      ConfigArgument(key: "random_seed", value: .integer(Int(seed))),
      ConfigArgument(key: "ft_mode", value: .text(mode.rawValue)),
      ConfigArgument(key: "result", value: .text(attack.folder)),
    ]
    if let alpha { given.append(ConfigArgument(key: "alpha", value: .real(alpha))) }
    let decoded = try ConfigDecoder.tune(
      layers: tuneLayers + [ConfigLayer(flags: given)], otherKeys: [])
    let name = mode.rawValue + (alpha.map { "-alpha_\($0.pythonRepr)" } ?? "")
    var configuration = decoded.configuration
    configuration.resume = .auto
    configuration.keysOfArchive = []
    configuration.save = plan.save == .all || plan.save == .first && seed == plan.tuningSeeds.first
    configuration.defenseName = seed == 0 ? name : "\(name)-seed_\(seed)"
    return DecodedConfiguration(
      configuration: SweepTuning(
        id: "\(attackID).\(name)-seed_\(seed)", configuration: configuration),
      warnings: decoded.warnings)
  }
}

extension AttackConfiguration {
  /// Adds the seed to the folder's name, in which the original tools have no place for it.
  fileprivate mutating func nameFolderBySeed() {
    let name = "\(folder.dropFirst(record.count + 1))-seed_\(randomSeed)"
    saveFolderName = name
    arguments.append(ConfigArgument(key: "save_folder_name", value: .text(name)))
  }

  /// Starts from the clean model at `archive`, if the attack starts from one and none was given.
  fileprivate mutating func takeCleanModel(_ archive: String) {
    guard attack.needsCleanModel, cleanModelPath == nil else { return }
    cleanModelPath = archive
    arguments.append(ConfigArgument(key: "pretrain_model_path", value: .text(archive)))
  }
}
