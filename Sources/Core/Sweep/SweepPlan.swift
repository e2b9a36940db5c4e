/// Which tuned models a sweep archives.
public enum SweepSave: String, CaseIterable, Sendable {
  /// None: figures alone.
  case none
  /// Those of the first tuning seed, for pictures of their features.
  case first
  /// All.
  case all
}

/// The runs of an experiment: attacks x rates x attack seeds, each with its tunings, which are modes
/// x α x tuning seeds and defences x tuning seeds, each with its tests.
///
/// A plan is a YAML file: these lists; settings that attacks, tunings and defences share; and three
/// sections, `attack`, `tune` and `defend`, of what only those get. `ConfigDecoder.sweep` reads it.
public struct SweepPlan: Equatable, Sendable {
  /// The file's name without its extension.
  public let name: String
  /// The attacks.
  public var attacks = [AttackName.first]
  /// The poison ratios of each attack, 0…1.
  public var poisonRatios = [0.1]
  /// Those of attacks that have their own: `pratios` in the attack's part of the section `attack`.
  public var ownPoisonRatios: [AttackName: [Double]] = [:]
  /// Whether a clean model, of poison ratio 0, is trained beside them; nothing tunes it.
  public var trainsCleanModel = false
  /// The seeds of each attack.
  public var attackSeeds: [UInt64] = [0]
  /// The ways of tuning each attack's model; none trains attacks alone.
  public var modes = [FineTuningMode.fst]
  /// The weights of the feature-shift penalty, for `fst` alone.
  public var alphas: [SweepAlpha] = [0.2]
  /// The defences beside them.
  public var defences: [DefenceName] = []
  /// Whether the retuning attack tests what each tuning and each defence has left.
  public var isRetuned = false
  /// Whether the query-based reactivation attack does so too, after it.
  public var isQueried = false
  /// The seeds of each tuning and defence.
  public var tuningSeeds: [UInt64] = [0]
  /// Which tuned models are archived.
  public var save = SweepSave.first
  /// All runs, in the order in which they are done.
  public internal(set) var groups: [SweepGroup] = []

  /// A plan called `name` with all defaults and no runs yet.
  init(name: String) { self.name = name }

  /// The poison ratios of `attack`, 0…1.
  func poisonRatios(of attack: AttackName) -> [Double] { ownPoisonRatios[attack] ?? poisonRatios }

  /// The length of the longest list of poison ratios.
  var mostPoisonRatios: Int {
    attacks.reduce(0) { max($0, poisonRatios(of: $1).count) }
  }

  /// The tests of what each tuning and each defence has left.
  var tests: [DefenceName] {
    (isRetuned ? [.ra] : []) + (isQueried ? [.qra] : [])
  }

  /// The number of runs.
  public var runCount: Int { groups.reduce(0) { $0 + 1 + $1.tunings.count } }

  /// What the processors must be able to do for all runs.
  public var precision: PrecisionChoice {
    let all = groups.flatMap { group in
      [group.attack.configuration.precision] + group.tunings.map(\.configuration.precision)
    }
    return [.int16, .auto].first { all.contains($0) } ?? .float32
  }

  /// Adds `argument` to what each run keeps of its arguments.
  public mutating func addArgument(_ argument: ConfigArgument) {
    for group in groups.indices {
      groups[group].attack.configuration.arguments.append(argument)
      for tuning in groups[group].tunings.indices {
        groups[group].tunings[tuning].configuration.arguments.append(argument)
      }
    }
  }
}

/// An attack and the tunings of its result.
public struct SweepGroup: Equatable, Sendable {
  /// The attack.
  public var attack: SweepAttack
  /// The tunings and defences, each with its tests after it.
  public var tunings: [SweepTuning]
}

/// One attack of a sweep.
public struct SweepAttack: Equatable, Sendable {
  /// Its name, such as `badnet-pratio_0.1-seed_0`.
  public let id: String
  /// All that decides it.
  public var configuration: AttackConfiguration
}

extension SweepPlan {
  /// The key of the poison ratios.
  static let ratioKey = "pratios"

  /// The keys of a plan's own lists.
  public static let fields: [ConfigField<Self>] = [
    .choices("attacks", \.attacks), .numbers(ratioKey, \.poisonRatios, .share),
    .boolean("clean", \.trainsCleanModel), .seeds("attack_seeds", \.attackSeeds),
    .choices("modes", \.modes, mayBeEmpty: true), .alphas, .defences,
    .boolean("retuning", \.isRetuned), .boolean("reactivation", \.isQueried),
    .seeds("tuning_seeds", \.tuningSeeds), .choice("save", \.save),
  ]

  /// Keys of a run that the plan's lists give, or that would be one file for all runs.
  static let listedKeys: Set = [
    "attack", "pratio", ratioKey, "random_seed", "ft_mode", "alpha", "save", "result",
    "save_folder_name",
    "resume", "timeline", "client_optimizer", "pre",
  ]
  /// The same of a defence, some of which have a setting called `alpha`.
  static let listedKeysOfDefences = listedKeys.subtracting(["alpha"])
    .union(["defense_type", "checkpoint_path", "relearned_path", "clean_model_path"])
  /// Keys in which a tuning has to be what its attack was.
  static let commonKeys: Set = [
    "dataset", "dataset_path", "img_size", "record", "model", "attack_target", "attack_label_trans",
    "tuning_split", "split_ratio",
  ]
  /// Those of them in which defences may differ from tunings and among themselves.
  static let keysOfDefences: Set = ["tuning_split", "split_ratio"]
  /// Keys that may stand at the top of a plan, for attacks, tunings and defences alike.
  static let sharedKeys: [String] = {
    let tuneKeys = TuneConfiguration.fields.map(\.key)
    return AttackConfiguration.fields.map(\.key).filter {
      tuneKeys.contains($0) && !listedKeys.contains($0)
    }
  }()
}

extension ConfigField where Target == SweepPlan {
  fileprivate static let alphas = list(
    "alphas", \.alphas, of: "numbers, or auto", read: { SweepAlpha($0) }, write: { $0.value })

  fileprivate static let defences = list(
    "defences", \.defences,
    of: DefenceName.purifiers.map(\.rawValue).joined(separator: ", "), mayBeEmpty: true,
    read: { value in DefenceName.purifiers.first { .text($0.rawValue) == value } },
    write: { .text($0.rawValue) })
}
