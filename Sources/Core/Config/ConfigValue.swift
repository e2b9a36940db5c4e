/// One value of a configuration, typed as YAML types it.
public enum ConfigValue: Codable, Equatable, Sendable {
  case null
  case boolean(Bool)
  case integer(Int)
  case real(Double)
  case text(String)
  case list([ConfigValue])
}

/// One argument of a run under its original name, for `info.pickle`.
public struct ConfigArgument: Equatable, Sendable {
  /// The name, such as `batch_size`.
  public var key: String
  /// The value as it was read.
  public var value: ConfigValue

  /// The argument `key` with `value`.
  public init(key: String, value: ConfigValue) {
    self.key = key
    self.value = value
  }
}

extension ConfigValue: CustomStringConvertible {
  /// The value as a message quotes it: what it is, where its type is the matter.
  public var description: String {
    switch self {
    case .null: "nothing"
    case .boolean(let value): value ? "true" : "false"
    case .integer(let value): String(value)
    case .real(let value): value.pythonRepr
    case .text(let value): "'\(value)'"
    case .list(let values): "[\(values.map(\.description).joined(separator: ", "))]"
    }
  }
}

extension ConfigValue {
  /// The value without quotes; `none` where there is none.
  var plain: String {
    switch self {
    case .null: "none"
    case .text(let text): text
    default: description
    }
  }
}
