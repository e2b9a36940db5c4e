import Distributed

/// How a defence decides what to prune, or when to stop.
public enum DefenceSelection: String, CaseIterable, Sendable {
  /// By accuracy on clean images that are held out of its own; it never looks at the test set.
  case heldOut = "held_out"
  /// By the test set, as the published numbers do.
  case benchmark
}

/// All that decides a defence: what a tuning has too, and each defence's own settings.
public struct DefendConfiguration: Equatable, Sendable {
  /// The attack's result, the clean images, optimisation, machine and folder.
  public var shared: TuneConfiguration
  /// All defences' own settings, and which one it is.
  package var settings: DefenceSettings
  /// By what it decides, where it decides.
  public var selection = DefenceSelection.heldOut
  /// The relative loss of clean accuracy that a pruning may cost, 0…1.
  public var accuracyRatio = 0.1

  /// The file of the changed model; nil is `defense_result.pt` in the folder.
  var savedPath: String?

  /// The configuration of `defence` with its defaults.
  public init(defence: DefenceName) {
    settings = DefenceSettings(named: defence.rawValue)
    var shared = TuneConfiguration(attack: nil)
    (shared.splitRatio, shared.batchSize, shared.epochs) = (0.05, 256, 100)
    (shared.weightDecay, shared.defenseName) = (5e-4, defence.rawValue)
    shared.mode = .ft
    self.shared = shared
    defence.type.adjust(&self)
  }

  /// The file of the changed model.
  var resultPath: String { savedPath ?? "\(shared.defenseFolder)/defense_result.pt" }

  /// The defence's name.
  public var name: String { settings.chosenName ?? "" }

  /// The chosen defence with its settings.
  var chosen: any Defence {
    (settings.named(name) as? any Defence) ?? Defences.defences[0].init()
  }
}

extension DefendConfiguration {
  /// The keys of a tuning that a defence has not.
  private static let otherKeys: Set = [
    "ft_mode", "alpha", "alpha_loss", "initlr", "lb_smooth", "evaluate_every", "client_optimizer",
  ]

  /// The keys of all defences.
  public static let fields: [ConfigField<Self>] =
    TuneConfiguration.fields.filter { !otherKeys.contains($0.key) }.map { $0.within(\.shared) }
    + [
      .choice("selection", \.selection).help(
        """
        By what a pruning is chosen: held_out, accuracy on a fifth of the clean images that are \
        held out; benchmark, the test set, as the published numbers do
        """, "way", in: .tuning),
      .number("acc_ratio", \.accuracyRatio, .share).help(
        "The relative loss of clean accuracy that a pruning may cost", "share", in: .tuning),
      optimizer,
    ] + DefenceSettings.fields.map { $0.within(\.settings) }

  /// What the chosen defence calls the one optimiser that it has.
  private static let optimizer = ConfigField<Self>(
    key: "client_optimizer", expected: "the defence's own: sgd, or adam of sau and i-bau",
    assign: { value, target in value == .text(type(of: target.chosen).optimizerName) },
    value: { .text(type(of: $0.chosen).optimizerName) }, role: .output
  ).help("The optimiser; each defence has one", "name", in: .accepted)

  /// The command, the defence and all settings that ranks must share.
  package var sharedSettings: [(key: String, value: String)] {
    ConfigField.shared(Self.fields, of: self, command: "defend \(name)")
  }

  /// What a checkpoint must have been saved with to be gone on from.
  func identity(worldSize: Int, data: LabeledImages, model: ParameterStore) -> RunIdentity {
    var identity = shared.identity(worldSize: worldSize, data: data, model: model)
    identity.settings.append(("defence", name))
    identity.settings += Self.fields
      .filter { $0.attacks.contains(name) || ["selection", "acc_ratio"].contains($0.key) }
      .map { ($0.key, $0.value(self).plain) }
    return identity
  }
}
