/// The attacks there are; a new one is a word in this list.
package enum Attacks: MethodList {
  /// All, in the order in which help texts name them.
  static let attacks: [any Attack.Type] = [
    BadNet.self, Blended.self, Sinusoidal.self, TrojanNN.self, WaNet.self, BPP.self,
    InputAware.self, BadNetBypass.self, BlendBypass.self, LowFrequency.self,
    LabelConsistent.self, SSBA.self, Blind.self, LIRA.self,
  ]

  /// All, as methods.
  package static let all: [any Method.Type] = attacks
}

/// The name of an attack in the list.
public struct AttackName: RawRepresentable, CaseIterable, Hashable, Sendable {
  /// BackdoorBench's name of it.
  public let rawValue: String

  /// The attack called so; nil where none is.
  public init?(rawValue: String) {
    guard Attacks.attacks.contains(where: { $0.name == rawValue }) else { return nil }
    self.rawValue = rawValue
  }

  /// The name of an attack's type.
  init(_ attack: any Attack.Type) { rawValue = attack.name }

  /// All, in the order of the list.
  public static let allCases = Attacks.attacks.map { AttackName($0) }

  /// What is meant where nothing is poisoned, and no attack is named: the list's first.
  public static let first = AttackName(Attacks.attacks[0])

  /// What it does, in a line.
  public var summary: String {
    (Attacks.attacks.first { $0.name == rawValue } ?? Attacks.attacks[0]).summary
  }
}
