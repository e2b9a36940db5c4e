import Foundation

/// Reads the text of a YAML file within a limit.
enum YAMLText {
  static let maximumBytes = 1 << 20

  /// The text of the file at `path`; throws `ConfigError` naming it.
  static func read(_ path: String) throws -> String {
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
    // Windows editors put a byte order mark in front.
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let content = bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]
    guard let text = String(validating: content, as: UTF8.self) else {
      throw ConfigError.unreadable(path: path, reason: "not text in UTF-8")
    }
    return text
  }
}
