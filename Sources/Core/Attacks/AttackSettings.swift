/// The settings of all attacks, each under its own type, and the one that is chosen.
///
/// A configuration holds this one value for all of them. Its keys are those of the attacks' own
/// tables; a key that several attacks have is one key, and each attack takes it as its own.
package struct AttackSettings: Sendable {
  /// The attack that is chosen; nil where none is.
  package var name: AttackName?
  private var attacks: [any Attack] = Attacks.all.map { $0.init() }

  /// All defaults.
  package init(_ name: AttackName? = nil) { self.name = name }

  /// The settings of the attack called `name`.
  package subscript(name: AttackName) -> any Attack {
    let position = AttackName.allCases.firstIndex(of: name) ?? 0
    return attacks[position]
  }

  /// The settings of the attack of this type.
  package subscript<A: Attack>(_: A.Type) -> A {
    get { attacks.lazy.compactMap { $0 as? A }.first ?? A() }
    set {
      guard let position = attacks.firstIndex(where: { $0 is A }) else { return }
      attacks[position] = newValue
    }
  }

  /// The chosen attack with its settings; the list's first where none is chosen.
  package var chosen: any Attack {
    get { self[name ?? .first] }
    set {
      let type = Swift.type(of: newValue)
      guard let position = attacks.firstIndex(where: { Swift.type(of: $0) == type }) else { return }
      attacks[position] = newValue
    }
  }
}

extension AttackSettings: Equatable {
  package static func == (one: Self, other: Self) -> Bool {
    one.name == other.name
      && zip(one.attacks, other.attacks).allSatisfy { $0.isEqual(to: $1) }
  }
}

extension Attack {
  fileprivate func isEqual(to other: any Attack) -> Bool { self == other as? Self }
}

extension AttackSettings {
  /// The keys of all triggers.
  static let triggerFields = joined(Attacks.all.flatMap { $0.nestedFields(ofTraining: false) })

  /// The keys of all attacks.
  static let fields = joined(
    Attacks.all.flatMap { $0.nestedFields(ofTraining: false) + $0.nestedFields(ofTraining: true) })

  /// One field for each key.
  private static func joined(_ fields: [ConfigField<Self>]) -> [ConfigField<Self>] {
    var order: [String] = []
    for field in fields where !order.contains(field.key) { order.append(field.key) }
    return order.map { key in join(fields.filter { $0.key == key }) }
  }

  /// The field of several attacks: the chosen one says whether a value fits, else any of them.
  private static func join(_ fields: [ConfigField<Self>]) -> ConfigField<Self> {
    guard fields.count > 1 else { return fields[0] }
    @Sendable func own(_ settings: Self) -> ConfigField<Self>? {
      settings.name.flatMap { name in fields.first { $0.attacks.contains(name.rawValue) } }
    }
    return ConfigField(
      key: fields[0].key, expected: fields[0].expected,
      assign: { value, settings in
        let fitting = fields.filter { $0.assign(value, &settings) }
        guard let own = own(settings) else { return !fitting.isEmpty }
        return fitting.contains { $0.attacks == own.attacks }
      },
      value: { settings in (own(settings) ?? fields[0]).value(settings) },
      role: fields[0].role, attacks: fields.flatMap(\.attacks), words: words(of: fields))
  }
}

extension AttackSettings {
  /// The first attack's words, with what the others mean by the key.
  private static func words(of fields: [ConfigField<Self>]) -> SettingWords {
    var words = fields[0].words
    for field in fields.dropFirst() where field.help != fields[0].help {
      words.help += "; of \(field.attacks.joined(separator: ", ")): \(field.help)"
    }
    return words
  }
}

extension Attack {
  /// Its keys, as keys of the settings of all attacks.
  fileprivate static func nestedFields(ofTraining: Bool) -> [ConfigField<AttackSettings>] {
    (ofTraining ? trainingFields : triggerFields).map { field in
      ConfigField(
        key: field.key, expected: field.expected,
        assign: { value, settings in field.assign(value, &settings[Self.self]) },
        value: { field.value($0[Self.self]) }, role: field.role, attacks: [name],
        words: field.words)
    }
  }
}
