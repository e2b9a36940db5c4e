/// The settings of all attacks, and the one that is chosen.
package typealias AttackSettings = MethodSettings<Attacks>

extension MethodSettings<Attacks> {
  /// All defaults.
  package init(_ name: AttackName?) { self.init(named: name?.rawValue) }

  /// The attack that is chosen; nil where none is.
  package var name: AttackName? {
    get { chosenName.flatMap(AttackName.init(rawValue:)) }
    set { chosenName = newValue?.rawValue }
  }

  /// The settings of the attack called `name`.
  package subscript(name: AttackName) -> any Attack {
    (named(name.rawValue) as? any Attack) ?? Attacks.attacks[0].init()
  }

  /// The chosen attack with its settings; the list's first where none is chosen.
  package var chosen: any Attack {
    get { self[name ?? .first] }
    set { take(newValue) }
  }

  /// The keys of all triggers.
  static let triggerFields = joined(Attacks.attacks.flatMap { $0.nestedTriggerFields() })
}

extension Attack {
  fileprivate static func nestedTriggerFields() -> [ConfigField<AttackSettings>] {
    nested(triggerFields)
  }
}
