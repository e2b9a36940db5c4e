import Foundation

extension String {
  /// This text fit for a terminal: what would move the cursor, colour, hide or turn the direction of
  /// text is shown as `\u{1b}`; line feeds too, unless `keepingLines`.
  ///
  /// Names from files reach messages and tables, and may hold anything.
  public func printable(keepingLines: Bool = false) -> String {
    escaping(keepingLines: keepingLines) { "\\u{\(String($0.value, radix: 16))}" }
  }

  /// This text fit for one line of a message: as printable, cut after `limit` characters.
  public func quoted(limit: Int = 200) -> String {
    // Long ones are not looked through to their end: the same may be quoted again and again.
    let kept = unicodeScalars.prefix(limit)
    let line = String(String.UnicodeScalarView(kept)).printable()
    return kept.endIndex < unicodeScalars.endIndex ? line + "…" : line
  }

  /// This JSON with the same characters as JSON escapes them within strings; it stays the same value.
  public var printableJSON: String {
    escaping(keepingLines: true) { scalar in
      String(scalar).utf16.map { String(format: "\\u%04x", $0) }.joined()
    }
  }

  private func escaping(
    keepingLines: Bool, _ escape: (Unicode.Scalar) -> String
  ) -> String {
    let isPlain = utf8.allSatisfy {
      0x20 <= $0 && $0 < 0x7F || keepingLines && $0 == UInt8(ascii: "\n")
    }
    if isPlain { return self }
    var result = ""
    for scalar in unicodeScalars {
      if scalar.isUnprintable && !(keepingLines && scalar == "\n") {
        result += escape(scalar)
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

extension Unicode.Scalar {
  fileprivate var isUnprintable: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse: true
    default: false
    }
  }
}
