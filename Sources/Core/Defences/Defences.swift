/// The defences beside the ways of fine-tuning; a new one is a word in this list.
package enum Defences: MethodList {
  /// All, in the order in which help texts name them.
  static let defences: [any Defence.Type] = [
    SharpnessAwareTuning.self, ChannelLipschitzPruning.self, AdversarialNeuronPruning.self,
    FinePruning.self, AttentionDistillation.self, ReconstructiveNeuronPruning.self,
    SharedAdversarialUnlearning.self,
    ImplicitUnlearning.self, NeuralCleanse.self, PathAwareMinimization.self,
    ExactPurification.self, RetuningAttack.self,
    QueryReactivation.self,
  ]

  /// All, as methods.
  package static let all: [any Method.Type] = defences
}

/// The settings of all defences, and the one that is chosen.
package typealias DefenceSettings = MethodSettings<Defences>

/// The name of a defence in the list.
public struct DefenceName: RawRepresentable, CaseIterable, Hashable, Sendable {
  /// BackdoorBench's name of it.
  public let rawValue: String

  /// The defence called so; nil where none is.
  public init?(rawValue: String) {
    guard Defences.defences.contains(where: { $0.name == rawValue }) else { return nil }
    self.rawValue = rawValue
  }

  private init(_ defence: any Defence.Type) { rawValue = defence.name }

  /// All, in the order of the list.
  public static let allCases = Defences.defences.map { DefenceName($0) }

  /// Those that purify a model, without the tests of what others have left.
  public static let purifiers = allCases.filter { !$0.testsDefences }

  /// The retuning attack.
  static let ra = DefenceName(RetuningAttack.self)
  /// The query-based reactivation attack.
  static let qra = DefenceName(QueryReactivation.self)

  /// Whether it tests what a defence has left.
  var testsDefences: Bool { type.testsDefences }

  /// What it does, in a line.
  public var summary: String { type.summary }

  /// The defence itself.
  var type: any Defence.Type {
    Defences.defences.first { $0.name == rawValue } ?? Defences.defences[0]
  }
}
