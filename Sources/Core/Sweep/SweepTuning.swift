/// One tuning or defence of a sweep, or one test of what such a run has left.
public struct SweepTuning: Equatable, Sendable {
  /// Its name: the attack's, a dot and such as `fst-alpha_0.1-seed_2`; of a test the tested run's, a
  /// dot and the test's.
  public let id: String
  /// What is done, with all that decides it.
  public var method: SweepMethod
  /// The run whose result is tested; nil of what starts from the attacked model.
  public var tested: Tested?
  /// The retuning of that run, whose model a test takes too; nil where it takes none.
  public var retuned: Tested?

  /// A run that a test starts from.
  public struct Tested: Equatable, Sendable {
    /// Its name.
    public let id: String
    /// What it did.
    public let method: SweepMethod
  }

  /// All that decides it, as far as tunings and defences have it in common.
  public var configuration: TuneConfiguration {
    get { method.shared }
    set { method.shared = newValue }
  }

  /// The archive that it leaves where it saves.
  var archive: String {
    switch method {
    case .tuning(let tuning): "\(tuning.defenseFolder)/defense_result.pt"
    case .defence(let defence): defence.resultPath
    }
  }

  /// The archive of the clean model that it starts from, where it does.
  var cleanModelPath: String? {
    guard case .defence(let defence) = method else { return nil }
    return (defence.chosen as? QueryReactivation)?.cleanModelPath
  }

  /// `wanted` of `all`, in the order of these, with the runs that they test.
  static func needed(_ all: [SweepTuning], by wanted: [SweepTuning]) -> [SweepTuning] {
    let ids = Set(
      wanted.map(\.id) + wanted.compactMap(\.tested?.id) + wanted.compactMap(\.retuned?.id))
    return all.filter { ids.contains($0.id) }
  }
}

/// What a sweep does with an attack's model.
public enum SweepMethod: Equatable, Sendable {
  /// One of the ways of fine-tuning.
  case tuning(TuneConfiguration)
  /// One of the defences, or a test of one.
  case defence(DefendConfiguration)

  /// What tunings and defences have in common.
  var shared: TuneConfiguration {
    get {
      switch self {
      case .tuning(let tuning): tuning
      case .defence(let defence): defence.shared
      }
    }
    set {
      switch self {
      case .tuning: self = .tuning(newValue)
      case .defence(var defence):
        defence.shared = newValue
        self = .defence(defence)
      }
    }
  }

  /// The mode's or the defence's name.
  public var name: String {
    switch self {
    case .tuning(let tuning): tuning.mode.rawValue
    case .defence(let defence): defence.name
    }
  }

  /// The weight of the feature-shift penalty, or `auto`; empty where there is none.
  var alpha: String {
    guard case .tuning(let tuning) = self, tuning.mode == .fst else { return "" }
    return SweepAlpha(tuning).name
  }

  /// The name with the weight, for a column of a table.
  public var title: String { alpha.isEmpty ? name : "\(name) \(alpha)" }
}

/// A weight of the feature-shift penalty: a number, or the one that the run chooses.
public enum SweepAlpha: Hashable, Sendable, ExpressibleByFloatLiteral {
  case number(Double)
  case auto

  /// The number `value`.
  public init(floatLiteral value: Double) { self = .number(value) }

  /// That of `tuning`.
  init(_ tuning: TuneConfiguration) {
    self = tuning.choosesAlpha ? .auto : .number(tuning.alpha)
  }

  /// As a value of `--alpha`; nil of what is none.
  init?(_ value: ConfigValue) {
    if value.nonEmptyText == "auto" {
      self = .auto
    } else if let number = value.number(.finite) {
      self = .number(number)
    } else {
      return nil
    }
  }

  /// The value of `--alpha`.
  var value: ConfigValue {
    switch self {
    case .number(let number): .real(number)
    case .auto: .text("auto")
    }
  }

  /// As it stands in names of runs.
  var name: String {
    switch self {
    case .number(let number): number.pythonRepr
    case .auto: "auto"
    }
  }
}
