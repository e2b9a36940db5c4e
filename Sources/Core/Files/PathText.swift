import Foundation

/// Paths as text: split and joined at "/", byte by byte, as the system reads them.
///
/// Foundation's own functions for this end the process on a path of one character, and join a slash
/// and a combining mark to one character that is no slash.
package enum PathText {
  /// The folder that holds `path`, as a path that can be opened.
  ///
  /// It is `r` for `r/a`, `/` for `/a`, and `.` for `a`. Slashes at the end of `path` do not count.
  package static func folder(of path: String) -> String {
    let parts = split(path)
    return parts.folder.isEmpty ? "." : parts.folder
  }

  /// The last component of `path`: `a` for `r/a`, `a` and `a/`; `/` for the root, "" for "".
  package static func name(of path: String) -> String { split(path).name }

  /// The path of `name` in `folder`; no slash is doubled, and an empty folder is this one.
  package static func join(_ folder: String, _ name: String) -> String {
    if folder.isEmpty { return name }
    return folder.utf8.last == slash ? folder + name : "\(folder)/\(name)"
  }

  /// The last component of `path` without its extension: `a.tar` for `r/a.tar.gz`.
  package static func stem(of path: String) -> String { parts(ofName: name(of: path)).stem }

  /// What follows the last dot of the last component: `gz` for `r/a.tar.gz`.
  ///
  /// Dots at a name's start make a hidden file, not an extension.
  package static func fileExtension(of path: String) -> String {
    parts(ofName: name(of: path)).suffix
  }

  /// The components of `path` without empty ones: `["r", "a"]` for `r//a/`.
  package static func components(of path: String) -> [String] {
    path.utf8.split(separator: slash).map { String(decoding: $0, as: UTF8.self) }
  }

  /// `path` from the root, without links, `.` and `..`; as it is where there is no such file.
  package static func resolved(_ path: String) -> String {
    guard let found = realpath(path, nil) else { return path }
    defer { free(found) }
    return String(cString: found)
  }

  private static let slash = UInt8(ascii: "/")
  private static let dot = UInt8(ascii: ".")

  private static func split(_ path: String) -> (folder: String, name: String) {
    let bytes = withoutSlashesAtEnd(Array(path.utf8)[...])
    if bytes == [slash] { return ("/", "/") }
    guard let last = bytes.lastIndex(of: slash) else { return ("", text(bytes)) }
    return (text(withoutSlashesAtEnd(bytes[...last])), text(bytes[(last + 1)...]))
  }

  /// The root stays a slash.
  private static func withoutSlashesAtEnd(_ path: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let end = path.lastIndex(where: { $0 != slash }) else { return path.prefix(1) }
    return path[...end]
  }

  private static func parts(ofName name: String) -> (stem: String, suffix: String) {
    let bytes = Array(name.utf8)
    guard let last = bytes.lastIndex(of: dot), bytes[..<last].contains(where: { $0 != dot }) else {
      return (name, "")
    }
    return (text(bytes[..<last]), text(bytes[(last + 1)...]))
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self)
  }
}
