/// A way of attacking or of defending: a value with settings of its own, which a run is handed.
package protocol Method: Equatable, Sendable {
  /// The name on the command line and in folders: BackdoorBench's where it has one.
  static var name: String { get }
  /// What it does, in a line without a full stop.
  static var summary: String { get }
  /// All its settings.
  static var fields: [ConfigField<Self>] { get }

  /// The method with its defaults.
  init()
}

/// A list of methods, in the order in which help texts name them.
package protocol MethodList: Sendable {
  /// All there are.
  static var all: [any Method.Type] { get }
}

/// The settings of all methods of a list, each under its own type, and the one that is chosen.
///
/// A configuration holds this one value for all of them. Its keys are those of the methods' own
/// tables; a key that several have is one key, and each takes it as its own.
package struct MethodSettings<List: MethodList>: Sendable {
  /// The name of the method that is chosen; nil where none is.
  package var chosenName: String?
  /// The keys that were given, where something else stands for the others than their defaults.
  package var givenKeys: Set<String> = []
  private var methods: [any Method] = List.all.map { $0.init() }

  /// All defaults.
  package init(named name: String? = nil) { chosenName = name }

  /// The settings of the method called `name`; nil where the list has none.
  func named(_ name: String) -> (any Method)? {
    methods.first { type(of: $0).name == name }
  }

  /// The settings of the method of this type.
  package subscript<M: Method>(_: M.Type) -> M {
    get { methods.lazy.compactMap { $0 as? M }.first ?? M() }
    set {
      guard let position = methods.firstIndex(where: { $0 is M }) else { return }
      methods[position] = newValue
    }
  }

  /// Takes `method` for the settings of its type.
  mutating func take(_ method: any Method) {
    let type = Swift.type(of: method)
    guard let position = methods.firstIndex(where: { Swift.type(of: $0) == type }) else { return }
    methods[position] = method
  }
}

extension MethodSettings: Equatable {
  package static func == (one: Self, other: Self) -> Bool {
    one.chosenName == other.chosenName
      && zip(one.methods, other.methods).allSatisfy { $0.isEqual(to: $1) }
  }
}

extension Method {
  fileprivate func isEqual(to other: any Method) -> Bool { self == other as? Self }

  /// Its `own` keys, as keys of the settings of all methods of a list.
  static func nested<List>(_ own: [ConfigField<Self>]) -> [ConfigField<MethodSettings<List>>] {
    own.map { field in
      ConfigField(
        key: field.key, expected: field.expected,
        assign: { value, settings in field.assign(value, &settings[Self.self]) },
        value: { field.value($0[Self.self]) }, role: field.role, attacks: [name],
        words: field.words)
    }
  }

  /// All its keys likewise.
  static func nestedFields<List>() -> [ConfigField<MethodSettings<List>>] { nested(fields) }
}

extension MethodSettings {
  /// The keys of all methods.
  static var fields: [ConfigField<Self>] { joined(List.all.flatMap { $0.nestedFields() }) }

  /// One field for each key of `fields`.
  static func joined(_ fields: [ConfigField<Self>]) -> [ConfigField<Self>] {
    var order: [String] = []
    for field in fields where !order.contains(field.key) { order.append(field.key) }
    return order.map { key in join(fields.filter { $0.key == key }) }
  }

  /// The field of several methods: the chosen one says whether a value fits, else any of them.
  private static func join(_ fields: [ConfigField<Self>]) -> ConfigField<Self> {
    guard fields.count > 1 else { return fields[0] }
    @Sendable func own(_ settings: Self) -> ConfigField<Self>? {
      settings.chosenName.flatMap { name in fields.first { $0.attacks.contains(name) } }
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

  /// The first method's words, with what the others mean by the key.
  private static func words(of fields: [ConfigField<Self>]) -> SettingWords {
    var words = fields[0].words
    for field in fields.dropFirst() where field.help != fields[0].help {
      words.help += "; of \(field.attacks.joined(separator: ", ")): \(field.help)"
    }
    return words
  }
}
