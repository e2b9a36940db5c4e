/// Where a setting came from.
public enum ConfigOrigin: Equatable, Sendable {
  /// A flag of the command line.
  case flag
  /// A line of a YAML file; lines count from 1.
  case file(String, line: Int)
}

/// What can be wrong with a configuration; each message names the key and where it was given.
public enum ConfigError: Error, Equatable, Sendable {
  case unreadable(path: String, reason: String)
  case malformed(path: String, line: Int, problem: String)
  case unknownKey(String, origin: ConfigOrigin, nearest: String?)
  case invalidValue(key: String, origin: ConfigOrigin, expected: String, found: String)
  case missing(key: String, expected: String)
}

extension ConfigOrigin {
  /// How a message names `key` as given here: `--pratio`, or `cifar10.yaml:3: pratio`.
  func naming(_ key: String) -> String {
    switch self {
    case .flag: "--\(key)"
    case .file(let path, let line): "\(path):\(line): \(key)"
    }
  }
}

extension ConfigError: CustomStringConvertible {
  /// One line: where, what was expected and what was found.
  public var description: String {
    switch self {
    case .unreadable(let path, let reason): "\(path): \(reason)"
    case .malformed(let path, let line, let problem): "\(path):\(line): \(problem)"
    case .unknownKey(let key, let origin, let nearest):
      Self.place(origin) + "unknown key '\(key.quoted())'" + Self.suggestion(nearest)
    case .invalidValue(let key, let origin, let expected, let found):
      "\(origin.naming(key)): expected \(expected), found \(found.quoted())"
    case .missing(let key, let expected): "--\(key) is missing: expected \(expected)"
    }
  }

  private static func place(_ origin: ConfigOrigin) -> String {
    if case .file(let path, let line) = origin { return "\(path):\(line): " }
    return ""
  }

  private static func suggestion(_ nearest: String?) -> String {
    nearest.map { "; did you mean '\($0)'?" } ?? ""
  }
}
