import Foundation

/// A path as the file system has it: bytes, which need not be UTF-8.
///
/// Compared by its bytes: Swift takes two spellings of "é" for the same text, a folder does not.
public struct BytePath: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The bytes without a final zero.
  let bytes: [UInt8]

  init(_ path: String) { bytes = Array(path.utf8) }

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// The path of `name` in this folder.
  func appending(_ name: BytePath) -> BytePath {
    BytePath(
      bytes: bytes.last == UInt8(ascii: "/") ? bytes + name.bytes : bytes + [47] + name.bytes)
  }

  /// What follows the last dot, in lower case; nil where there is none or nothing before it.
  var suffix: String? {
    guard let dot = bytes.lastIndex(of: UInt8(ascii: ".")), dot > 0 else { return nil }
    return String(decoding: bytes[(dot + 1)...], as: UTF8.self).lowercased()
  }

  /// Whether a folder's listing does not show the name.
  var isHidden: Bool { bytes.first == UInt8(ascii: ".") }

  /// The path as one can print it: what is no UTF-8 and control characters as \x and two digits.
  public var description: String {
    var text = ""
    var rest = bytes[...]
    while let first = rest.first {
      if first >= 0x20, first != 0x7F, let scalar = Self.scalar(rest), !Self.isControl(scalar) {
        text.unicodeScalars.append(scalar)
        rest = rest.dropFirst(String(Character(scalar)).utf8.count)
      } else {
        text += "\\x" + String(Int(first) + 256, radix: 16, uppercase: true).dropFirst()
        rest = rest.dropFirst()
      }
    }
    return text
  }

  /// Whether `left` comes before `right` by its bytes.
  public static func < (left: BytePath, right: BytePath) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }

  /// Calls `body` with the path as C takes it.
  func withCString<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
    try (bytes.map(CChar.init(bitPattern:)) + [0]).withUnsafeBufferPointer { characters in
      guard let start = characters.baseAddress else { preconditionFailure("a path of no bytes") }
      return try body(start)
    }
  }

  /// The character that `bytes` begin with; nil where they are no UTF-8.
  private static func scalar(_ bytes: ArraySlice<UInt8>) -> Unicode.Scalar? {
    var decoder = UTF8()
    var iterator = bytes.prefix(4).makeIterator()
    guard case .scalarValue(let scalar) = decoder.decode(&iterator) else { return nil }
    return scalar
  }

  /// Whether a terminal may take it for more than a character: C1 controls and those of direction.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }
}
