import Foundation

/// Reads a YAML file within limits that keep the recursive parser's stack small.
///
/// Nesting costs at least one column in block style and one bracket in flow style, so a bound on
/// line length and brackets bounds the depth.
enum YAMLText {
  static let maximumBytes = 1 << 20
  static let maximumLineBytes = 1000
  static let maximumBrackets = 200

  /// The text of the file at `path`; throws `ConfigError` naming it.
  static func read(_ path: String) throws -> String {
    let text = try contents(path)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    if let long = lines.firstIndex(where: { $0.utf8.count > maximumLineBytes }) {
      throw ConfigError.malformed(
        path: path, line: long + 1,
        problem: "\(lines[long].utf8.count) bytes in a line, at most \(maximumLineBytes) are read")
    }
    let brackets = text.utf8.count { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "{") }
    guard brackets <= maximumBrackets else {
      throw ConfigError.malformed(
        path: path, line: 1,
        problem: "\(brackets) opening brackets, at most \(maximumBrackets) are read")
    }
    return text
  }

  private static func contents(_ path: String) throws -> String {
    guard FileManager.default.fileExists(atPath: path) else {
      throw ConfigError.unreadable(path: path, reason: "no such YAML file")
    }
    let bytes: [UInt8]
    do {
      bytes = try FileBytes.read(path, limit: maximumBytes)
    } catch {
      throw ConfigError.unreadable(
        path: path, reason: "this YAML file cannot be read: \(error.reason)")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ConfigError.unreadable(path: path, reason: "not text in UTF-8")
    }
    return text
  }
}
