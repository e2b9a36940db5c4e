extension ConfigValue {
  /// The value of an unquoted word, typed as PyYAML types it (YAML 1.1), and exponents without a
  /// point or sign as well.
  ///
  /// So `010` is 8, `0x10` is 16, `1_000` is 1000 and `1:30`, in sixties, is 90; `08` and `0o10`
  /// are text. `none`, which Python prints for nothing, is nothing.
  package init(plain text: String) {
    switch text.lowercased() {
    case "", "~", "null", "none": self = .null
    case "true", "yes", "on": self = .boolean(true)
    case "false", "no", "off": self = .boolean(false)
    default: self = Self.number(text) ?? .text(text)
    }
  }

  private static func number(_ text: String) -> ConfigValue? {
    var digits = text[...]
    let isNegative = digits.first == "-"
    if isNegative || digits.first == "+" { digits.removeFirst() }
    if [".inf", ".Inf", ".INF"].contains(digits) {
      return .real(isNegative ? -.infinity : .infinity)
    }
    guard let first = digits.utf8.first, isDigit(first) || first == UInt8(ascii: ".") else {
      return nil
    }
    let word = digits.filter { $0 != "_" }
    let sign = isNegative ? "-" : ""
    if let (rest, radix) = whole(word) {
      return Int(sign + rest, radix: radix).map { .integer($0) } ?? real(sign + word)
    }
    if word.contains(":") { return sixties(word, isNegative: isNegative) }
    return real(sign + word)
  }

  /// The digits of a whole number without its prefix, and what they count in; nil of another word.
  private static func whole(_ word: String) -> (digits: String, radix: Int)? {
    for (prefix, radix) in [("0b", 2), ("0x", 16), ("0", 8)] where word.hasPrefix(prefix) {
      let rest = String(word.dropFirst(prefix.count))
      // A sign within would pass as the number's own.
      if rest.first == "-" || rest.first == "+" { return nil }
      if UInt(rest, radix: radix) != nil { return (rest, radix) }
      if radix != 8 { return nil }
    }
    let isDecimal = word.utf8.allSatisfy(isDigit) && (word == "0" || !word.hasPrefix("0"))
    return isDecimal ? (word, 10) : nil
  }

  /// Digits with a point or an exponent, finite or not.
  private static func real(_ word: String) -> ConfigValue? {
    let marks = "+-.eE".utf8
    guard word.utf8.allSatisfy({ isDigit($0) || marks.contains($0) }),
      word.utf8.contains(where: { !isDigit($0) && $0 != UInt8(ascii: "-") })
        || !word.drop(while: { $0 == "-" }).hasPrefix("0")
    else { return nil }
    return Double(word).map { .real($0) }
  }

  /// A number in sixties, as hours, minutes and seconds are: `1:30`, `1:30.5`.
  private static func sixties(_ word: String, isNegative: Bool) -> ConfigValue? {
    let parts = word.split(separator: ":", omittingEmptySubsequences: false)
    let digits = parts.map { part in
      let isLast = part.startIndex == parts.last?.startIndex
      return isLast ? part.filter { $0 != "." } : String(part)
    }
    guard digits.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isDigit) }),
      parts.dropFirst().allSatisfy({ Double($0).map { $0 < 60 } ?? false }),
      parts.count > 1
    else { return nil }
    let isWhole = !word.contains(".")
    if isWhole && word.hasPrefix("0") { return nil }
    let value = parts.reduce(0.0) { $0 * 60 + (Double($1) ?? 0) } * (isNegative ? -1 : 1)
    return isWhole ? Int(exactly: value).map { .integer($0) } : .real(value)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    UInt8(ascii: "0") <= byte && byte <= UInt8(ascii: "9")
  }
}
