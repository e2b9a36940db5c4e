/// One value under its key, with the place it came from.
public struct ConfigSetting: Equatable, Sendable {
  /// The key, such as `batch_size`.
  public var key: String
  /// The value as read.
  public var value: ConfigValue
  /// Where it was given.
  public var origin: ConfigOrigin

  /// The setting of `key` to `value`, given at `origin`.
  public init(key: String, value: ConfigValue, origin: ConfigOrigin) {
    self.key = key
    self.value = value
    self.origin = origin
  }
}

/// The settings of one source, in the order read; a later layer overrides an earlier one.
public struct ConfigLayer: Equatable, Sendable {
  /// The settings; no key occurs twice.
  public var settings: [ConfigSetting]

  /// These settings.
  init(_ settings: [ConfigSetting]) { self.settings = settings }

  /// The flags that were given, under their keys.
  public init(flags: [ConfigArgument]) {
    settings = flags.map { ConfigSetting(key: $0.key, value: $0.value, origin: .flag) }
  }

  /// The same settings under the keys that `names` gives for others' names of them.
  ///
  /// Throws `ConfigError` where a setting is then given twice.
  func renaming(_ names: [String: String]) throws -> ConfigLayer {
    var layer = self
    for (index, setting) in settings.enumerated() {
      guard let key = names[setting.key] else { continue }
      if settings.contains(where: { $0.key == key }) {
        throw ConfigError.invalidValue(
          key: setting.key, origin: setting.origin, expected: "one of \(setting.key) and \(key)",
          found: "both")
      }
      layer.settings[index].key = key
    }
    return layer
  }

  /// The settings of the YAML file at `path`: one mapping of keys to scalars or lists of scalars.
  ///
  /// Throws `ConfigError` naming file and line.
  public init(yaml path: String) throws { self = try Self.read(path, sections: [:]).top }

  /// The settings of the YAML file at `path` whose keys in `names` hold a mapping of their own each.
  ///
  /// What `names` has for such a key are the names of mappings that may stand in it in turn. A
  /// section that is absent or empty has no settings. A key that is only the home of an anchor,
  /// for merge keys and aliases elsewhere, is no setting. Throws `ConfigError` naming file and line.
  static func read(
    _ path: String, sections names: [String: [String]]
  ) throws -> (top: ConfigLayer, sections: [String: ConfigSection]) {
    let document = try YAMLComposer(try YAMLText.read(path), path: path)
    var top = ConfigLayer(flags: [])
    var sections: [String: ConfigSection] = [:]
    guard let root = document.root, !root.isNull else { return (top, sections) }
    guard let pairs = try root.pairs(in: path) else {
      throw ConfigError.malformed(
        path: path, line: root.line, problem: "expected 'key: value' lines")
    }
    for pair in pairs {
      if let parts = names[pair.setting] {
        sections[pair.setting] = try ConfigSection(pair, parts: parts, path: path)
      } else if !isHome(pair.value, of: document.usedAnchors) {
        top.settings.append(try setting(pair, path: path))
      }
    }
    return (top, sections)
  }

  /// Whether `node` is no setting's value but has anchors that aliases name.
  private static func isHome(_ node: YAMLNode, of anchors: Set<Int>) -> Bool {
    ConfigValue(node) == nil && node.holds(anchors)
  }

  fileprivate static func setting(_ pair: YAMLPair, path: String) throws -> ConfigSetting {
    guard let value = ConfigValue(pair.value) else {
      throw ConfigError.malformed(
        path: path, line: pair.line,
        problem: "\(pair.key.quoted()): expected one value or a list of values, "
          + "found \(pair.value.kind)")
    }
    return ConfigSetting(
      key: pair.setting, value: value, origin: .file(path, line: pair.line))
  }
}

/// A mapping of a YAML file: settings, and mappings of settings for one thing each.
struct ConfigSection: Equatable {
  /// Settings for all.
  var own = ConfigLayer(flags: [])
  /// Settings for one thing each, by its name.
  var parts: [String: ConfigLayer] = [:]

  /// Nothing.
  init() {}

  /// The mapping under a key, in which `names` may be keys of mappings in turn.
  fileprivate init(_ pair: YAMLPair, parts names: [String], path: String) throws {
    for inner in try Self.pairs(below: pair, path: path) {
      if names.contains(inner.setting) {
        parts[inner.setting] = ConfigLayer(flags: [])
        parts[inner.setting]?.settings = try Self.pairs(below: inner, path: path)
          .map { try ConfigLayer.setting($0, path: path) }
      } else if !names.isEmpty, case .mapping = inner.value.content {
        let nearest = NearestKey.of(inner.setting, among: names)
        throw ConfigError.malformed(
          path: path, line: inner.line,
          problem: "\(pair.key): expected one of \(names.joined(separator: ", ")) for settings of "
            + "one alone, found '\(inner.key.quoted())'"
            + (nearest.map { "; did you mean '\($0)'?" } ?? ""))
      } else {
        own.settings.append(try ConfigLayer.setting(inner, path: path))
      }
    }
  }

  private static func pairs(below pair: YAMLPair, path: String) throws -> [YAMLPair] {
    if pair.value.isNull { return [] }
    guard let pairs = try pair.value.pairs(in: path) else {
      throw ConfigError.malformed(
        path: path, line: pair.line, problem: "\(pair.key): expected 'key: value' lines below it")
    }
    return pairs
  }
}

extension YAMLNode {
  /// What it is, in a word.
  fileprivate var kind: String {
    switch content {
    case .scalar: "a value"
    case .list: "a list of lists or mappings"
    case .mapping: "a mapping"
    }
  }
}

extension ConfigValue {
  /// The value of a scalar or of a list of scalars: quoted ones are text, plain ones are typed by
  /// how they look; nil of another node.
  init?(_ node: YAMLNode) {
    switch node.content {
    case .scalar(let word, let isPlain): self = isPlain ? ConfigValue(plain: word) : .text(word)
    case .list(let items):
      guard items.allSatisfy({ $0.word != nil }) else { return nil }
      self = .list(items.compactMap { ConfigValue($0) })
    case .mapping: return nil
    }
  }
}
