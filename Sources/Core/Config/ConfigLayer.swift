import Foundation
import Yams

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

  /// The flags that were given, under their keys.
  public init(flags: [ConfigArgument]) {
    settings = flags.map { ConfigSetting(key: $0.key, value: $0.value, origin: .flag) }
  }

  /// The settings of the YAML file at `path`: one mapping of keys to scalars or lists of scalars.
  ///
  /// Throws `ConfigError` naming file and line.
  public init(yaml path: String) throws { self = try Self.read(path, sections: []).top }

  /// The settings of the YAML file at `path` whose keys `names` hold a mapping of their own each.
  ///
  /// A section that is absent or empty has no settings. Throws `ConfigError` naming file and line.
  static func read(
    _ path: String, sections names: [String]
  ) throws -> (top: ConfigLayer, sections: [String: ConfigLayer]) {
    let text = try YAMLText.read(path)
    do {
      guard let root = try Yams.compose(yaml: text), root.scalar?.string != "" else {
        return (ConfigLayer(flags: []), [:])
      }
      guard let mapping = root.mapping else {
        throw ConfigError.malformed(
          path: path, line: root.mark?.line ?? 1, problem: "expected 'key: value' lines")
      }
      var top = ConfigLayer(flags: [])
      var sections: [String: ConfigLayer] = [:]
      for (key, value) in mapping {
        if let name = key.scalar?.string, names.contains(name) {
          sections[name] = try section(name, value, path: path)
        } else {
          top.settings.append(try setting(key, value, path: path))
        }
      }
      return (top, sections)
    } catch let error as YamlError {
      throw Self.malformed(error, path: path)
    }
  }

  private static func section(
    _ name: String, _ value: Node, path: String
  ) throws -> ConfigLayer {
    var layer = ConfigLayer(flags: [])
    if let scalar = value.scalar, ConfigValue(scalar) == .null { return layer }
    guard let mapping = value.mapping else {
      throw ConfigError.malformed(
        path: path, line: value.mark?.line ?? 1,
        problem: "\(name): expected 'key: value' lines below it")
    }
    layer.settings = try mapping.map { try setting($0.key, $0.value, path: path) }
    return layer
  }

  private static func setting(_ key: Node, _ value: Node, path: String) throws -> ConfigSetting {
    let line = key.mark?.line ?? value.mark?.line ?? 1
    guard let name = key.scalar?.string else {
      throw ConfigError.malformed(path: path, line: line, problem: "a key that is not a word")
    }
    return ConfigSetting(
      key: name == "seed" ? "random_seed" : name,
      value: try configValue(value, key: name, path: path, line: line),
      origin: .file(path, line: line))
  }

  private static func configValue(
    _ node: Node, key: String, path: String, line: Int
  ) throws -> ConfigValue {
    if let scalar = node.scalar { return ConfigValue(scalar) }
    let scalars = node.sequence.map { Array($0) }?.map(\.scalar)
    guard let scalars, !scalars.contains(where: { $0 == nil }) else {
      throw ConfigError.malformed(
        path: path, line: line, problem: "\(key): expected one value or a list of values")
    }
    return .list(scalars.compactMap { $0 }.map { ConfigValue($0) })
  }

  private static func malformed(_ error: YamlError, path: String) -> ConfigError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      .malformed(path: path, line: mark.line, problem: "not YAML: \(problem)")
    case .duplicatedKeysInMapping(let keys, let context):
      .malformed(
        path: path, line: context.mark.line,
        problem: "given twice: \(keys.map { String(describing: $0) }.joined(separator: ", "))")
    default: .malformed(path: path, line: 1, problem: "not YAML")
    }
  }
}

extension ConfigValue {
  /// The value of a YAML scalar: quoted ones are text, plain ones are typed by how they look.
  init(_ scalar: Node.Scalar) {
    let text = scalar.string
    guard scalar.style == .plain || scalar.style == .any else {
      self = .text(text)
      return
    }
    self = ConfigValue(plain: text)
  }

  /// The value of an unquoted word.
  init(plain text: String) {
    switch text.lowercased() {
    case "", "~", "null", "none": self = .null
    case "true", "yes", "on": self = .boolean(true)
    case "false", "no", "off": self = .boolean(false)
    default:
      let numeric = text.utf8.allSatisfy {
        UInt8(ascii: "0") <= $0 && $0 <= UInt8(ascii: "9")
          || [
            UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "e"),
            UInt8(ascii: "E"),
          ].contains($0)
      }
      if let integer = Int(text) {
        self = .integer(integer)
      } else if numeric, let real = Double(text) {
        self = .real(real)
      } else {
        self = .text(text)
      }
    }
  }
}
