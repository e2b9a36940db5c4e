/// Makes a plan's lists into runs.
///
/// First the clean models; then rates within attack seeds, attacks within rates, and after each
/// attack its tunings, α within modes within tuning seeds, then defences; each is followed by its
/// tests. So every rate of every attack has a first result of each mode early. An attack that starts
/// from a clean model takes the plan's, where it has one and names no other.
struct SweepExpansion {
  let plan: SweepPlan
  /// Settings of the plan's top.
  let shared: ConfigLayer
  let attack, tune, defend: ConfigSection
  let flags: ConfigLayer

  /// All runs in order, and what the user should be told of how their settings were read.
  func groups() throws -> (groups: [SweepGroup], warnings: [String]) {
    var groups: [SweepGroup] = []
    var warnings = idleSettings
    func add(_ decoded: DecodedConfiguration<SweepGroup>) {
      groups.append(decoded.configuration)
      warnings += decoded.warnings.filter { !warnings.contains($0) }
    }
    let cleanAttack =
      plan.attacks.first { !AttackConfiguration(attack: $0).needsCleanModel } ?? .first
    var cleanModels: [UInt64: String] = [:]
    let hasRatioZero = plan.attacks.contains { plan.poisonRatios(of: $0).contains(0) }
    if plan.trainsCleanModel && !hasRatioZero {
      for seed in plan.attackSeeds {
        let clean = try group(
          "clean-seed_\(seed)", cleanAttack, ratio: 0, seed: seed, isTuned: false)
        cleanModels[seed] = "\(clean.configuration.attack.configuration.folder)/attack_result.pt"
        add(clean)
      }
    }
    for seed in plan.attackSeeds {
      for rank in 0..<plan.mostPoisonRatios {
        for attack in plan.attacks where rank < plan.poisonRatios(of: attack).count {
          let ratio = plan.poisonRatios(of: attack)[rank]
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
    let parts = [self.attack.own] + (self.attack.parts[attack.rawValue].map { [$0] } ?? [])
    let decoded = try ConfigDecoder.attack(
      attack, layers: [shared] + parts + [flags, given], otherKeys: [])
    var configuration = decoded.configuration
    configuration.resume = .auto
    if seed != 0 { configuration.nameFolderBySeed() }
    if let cleanModel { configuration.takeCleanModel(cleanModel) }
    var result = DecodedConfiguration(
      configuration: SweepGroup(
        attack: SweepAttack(id: id, configuration: configuration), tunings: []),
      warnings: decoded.warnings)
    guard isTuned else { return result }
    for seed in plan.tuningSeeds {
      for tuning in try tunings(of: configuration, id, seed: seed, cleanModel: cleanModel) {
        result.configuration.tunings.append(tuning.configuration)
        result.warnings += tuning.warnings
      }
    }
    return result
  }

  /// All that is done with the result of `attack` under one tuning seed.
  private func tunings(
    of attack: AttackConfiguration, _ id: String, seed: UInt64, cleanModel: String?
  ) throws -> [DecodedConfiguration<SweepTuning>] {
    var runs: [DecodedConfiguration<SweepTuning>] = []
    func add(_ run: DecodedConfiguration<SweepTuning>) throws {
      runs.append(run)
      var retuned: SweepTuning.Tested?
      for name in plan.tests {
        var test = try self.test(name, of: run.configuration, attack, cleanModel: cleanModel)
        test.configuration.retuned = retuned
        let done = test.configuration
        if name == .ra { retuned = SweepTuning.Tested(id: done.id, method: done.method) }
        runs.append(test)
      }
    }
    for mode in plan.modes {
      for alpha in mode == .fst ? plan.alphas.map(Optional.some) : [nil] {
        try add(tuning(of: attack, id, mode, alpha: alpha, seed: seed))
      }
    }
    for name in plan.defences { try add(defence(name, of: attack, id, seed: seed)) }
    return runs
  }

  private func tuning(
    of attack: AttackConfiguration, _ attackID: String, _ mode: FineTuningMode, alpha: SweepAlpha?,
    seed: UInt64
  ) throws -> DecodedConfiguration<SweepTuning> {
    var given = [
      ConfigArgument(key: "attack", value: .text(attack.attack.rawValue)),
      ConfigArgument(key: "pratio", value: .real(attack.poisonRatio)),
      ConfigArgument(key: "random_seed", value: .integer(Int(seed))),
      ConfigArgument(key: "ft_mode", value: .text(mode.rawValue)),
      ConfigArgument(key: "result", value: .text(attack.folder)),
    ]
    if let alpha { given.append(ConfigArgument(key: "alpha", value: alpha.value)) }
    let parts = [tune.own] + (tune.parts[mode.rawValue].map { [$0] } ?? [])
    let decoded = try ConfigDecoder.tune(
      layers: [shared] + parts + [flags, ConfigLayer(flags: given)], otherKeys: [])
    let name = mode.rawValue + (alpha.map { "-alpha_\($0.name)" } ?? "")
    var configuration = decoded.configuration
    place(&configuration, name, seed: seed)
    return DecodedConfiguration(
      configuration: SweepTuning(
        id: "\(attackID).\(name)-seed_\(seed)", method: .tuning(configuration)),
      warnings: decoded.warnings)
  }

  /// Sets what is kept of a run called `name`, and where.
  func place(_ configuration: inout TuneConfiguration, _ name: String, seed: UInt64) {
    configuration.resume = .auto
    configuration.keysOfArchive = []
    configuration.save =
      plan.save == .all || plan.save == .first && seed == plan.tuningSeeds.first
      || !plan.tests.isEmpty
    configuration.defenseName = seed == 0 ? name : "\(name)-seed_\(seed)"
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
    guard needsCleanModel, cleanModelPath == nil else { return }
    cleanModelPath = archive
    arguments.append(ConfigArgument(key: "pretrain_model_path", value: .text(archive)))
  }
}
