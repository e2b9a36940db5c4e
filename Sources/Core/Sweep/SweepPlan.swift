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
/// x α x tuning seeds.
///
/// A plan is a YAML file: these lists; settings that attacks and tunings share; and two sections,
/// `attack` and `tune`, of what only those get. `ConfigDecoder.sweep` reads it.
public struct SweepPlan: Equatable, Sendable {
  /// The file's name without its extension.
  public let name: String
  /// The attacks.
  public var attacks = [AttackName.first]
  /// The poison ratios of each attack, 0…1.
  public var poisonRatios = [0.1]
  /// Whether a clean model, of poison ratio 0, is trained beside them; nothing tunes it.
  public var trainsCleanModel = false
  /// The seeds of each attack.
  public var attackSeeds: [UInt64] = [0]
  /// The ways of tuning each attack's model; none trains attacks alone.
  public var modes = [FineTuningMode.fst]
  /// The weights of the feature-shift penalty, for `fst` alone.
  public var alphas = [0.2]
  /// The seeds of each tuning.
  public var tuningSeeds: [UInt64] = [0]
  /// Which tuned models are archived.
  public var save = SweepSave.first
  /// All runs, in the order in which they are done.
  public internal(set) var groups: [SweepGroup] = []

  /// A plan called `name` with all defaults and no runs yet.
  init(name: String) { self.name = name }

  /// The number of runs.
  public var runCount: Int { groups.reduce(0) { $0 + 1 + $1.tunings.count } }

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
  /// The tunings.
  public var tunings: [SweepTuning]
}

/// One attack of a sweep.
public struct SweepAttack: Equatable, Sendable {
  /// Its name, such as `badnet-pratio_0.1-seed_0`.
  public let id: String
  /// All that decides it.
  public var configuration: AttackConfiguration
}

/// One tuning of a sweep.
public struct SweepTuning: Equatable, Sendable {
  /// Its name: the attack's, a dot and such as `fst-alpha_0.1-seed_2`.
  public let id: String
  /// All that decides it.
  public var configuration: TuneConfiguration
}

extension SweepPlan {
  /// The keys of a plan's own lists.
  public static let fields: [ConfigField<Self>] = [
    .choices("attacks", \.attacks), .numbers("pratios", \.poisonRatios, .share),
    .boolean("clean", \.trainsCleanModel), .seeds("attack_seeds", \.attackSeeds),
    .choices("modes", \.modes, mayBeEmpty: true), .numbers("alphas", \.alphas, .finite),
    .seeds("tuning_seeds", \.tuningSeeds), .choice("save", \.save),
  ]

  /// Keys of a run that the plan's lists give, or that would be one file for all runs.
  static let listedKeys: Set = [
    "attack", "pratio", "random_seed", "ft_mode", "alpha", "save", "result", "save_folder_name",
    "resume", "timeline", "client_optimizer", "pre",
  ]
  /// Keys in which a tuning has to be what its attack was.
  static let commonKeys: Set = [
    "dataset", "dataset_path", "img_size", "record", "model", "attack_target", "attack_label_trans",
    "tuning_split", "split_ratio",
  ]
  /// Keys that may stand at the top of a plan, for attacks and tunings alike.
  static let sharedKeys: [String] = {
    let tuneKeys = TuneConfiguration.fields.map(\.key)
    return AttackConfiguration.fields.map(\.key).filter {
      tuneKeys.contains($0) && !listedKeys.contains($0)
    }
  }()
}
