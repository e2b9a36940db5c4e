/// The finite numbers that a key accepts.
package enum NumberBounds: Sendable {
  /// 0…1.
  case share
  /// Above 0, at most 1.
  case positiveShare
  /// 0..<1.
  case belowOne
  /// Above 0.
  case positive
  /// 0 or above.
  case nonNegative
  /// 1 or above.
  case atLeastOne
  /// Any.
  case finite

  /// What a value has to be, in words.
  var words: String {
    switch self {
    case .share: "a number from 0 to 1"
    case .positiveShare: "a number above 0 and at most 1"
    case .belowOne: "a number from 0 to below 1"
    case .positive: "a number above 0"
    case .nonNegative: "a number of at least 0"
    case .atLeastOne: "a number of at least 1"
    case .finite: "a number"
    }
  }

  /// Whether `value` is admitted.
  func admits(_ value: Double) -> Bool {
    guard value.isFinite else { return false }
    return switch self {
    case .share: (0...1).contains(value)
    case .positiveShare: value > 0 && value <= 1
    case .belowOne: (0..<1).contains(value)
    case .positive: value > 0
    case .nonNegative: value >= 0
    case .atLeastOne: value >= 1
    case .finite: true
    }
  }
}

extension ConfigValue {
  /// The whole number, where it is one in `range`.
  func integer(in range: ClosedRange<Int>) -> Int? {
    guard case .integer(let value) = self, range.contains(value) else { return nil }
    return value
  }

  /// The whole numbers of a list, or of a single value, where each is in `range`.
  func integers(in range: ClosedRange<Int>) -> [Int]? {
    guard case .list(let values) = self else { return integer(in: range).map { [$0] } }
    let numbers = values.compactMap { $0.integer(in: range) }
    return numbers.count == values.count ? numbers : nil
  }

  /// The number, where `bounds` admit it.
  func number(_ bounds: NumberBounds) -> Double? {
    switch self {
    case .integer(let value): bounds.admits(Double(value)) ? Double(value) : nil
    case .real(let value): bounds.admits(value) ? value : nil
    default: nil
    }
  }

  /// The text, where it is one with at least a character; a whole number is taken as its digits.
  var nonEmptyText: String? {
    switch self {
    case .text(let value): value.isEmpty ? nil : value
    case .integer(let value): String(value)
    default: nil
    }
  }

  /// The name of a file that ends in one of `endings`, in small or capital letters.
  func text(endingIn endings: [String]) -> String? {
    nonEmptyText.flatMap { text in
      endings.contains { text.lowercased().hasSuffix($0) && text.count > $0.count } ? text : nil
    }
  }
}
