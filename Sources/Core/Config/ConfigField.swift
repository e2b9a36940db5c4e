/// One key of a configuration: its name, what it accepts, and the property it stands for.
///
/// A configuration's table of fields is the single list of its keys: decoding, the nearest-key
/// suggestion and the record of a run's arguments all read it.
public struct ConfigField<Target: Sendable>: Sendable {
  /// The key in YAML files, and the flag after its two dashes.
  public let key: String
  /// What a value has to be, in words.
  public let expected: String
  /// Sets the property where the value fits, and says whether it does.
  package let assign: @Sendable (ConfigValue, inout Target) -> Bool
  /// The property's value; null where it is not set.
  package let value: @Sendable (Target) -> ConfigValue
  /// What it decides.
  package var role = SettingRole.mathematics
  /// The names of the attacks that read it; empty is all.
  var attacks: [String] = []
  /// What a command line and its help make of it.
  var words = SettingWords()
}

extension ConfigField {
  package typealias Path<Value> = WritableKeyPath<Target, Value> & Sendable

  private init<Value>(
    _ key: String, _ path: Path<Value>, expected: String,
    read: @escaping @Sendable (ConfigValue) -> Value?,
    write: @escaping @Sendable (Value) -> ConfigValue
  ) {
    self.init(
      key: key, expected: expected,
      assign: { value, target in
        guard let fitting = read(value) else { return false }
        target[keyPath: path] = fitting
        return true
      }, value: { write($0[keyPath: path]) })
  }

  /// A property that may stay unset; `read` still gives nil only for a value that does not fit.
  private init<Value>(
    optional key: String, _ path: Path<Value?>, expected: String,
    read: @escaping @Sendable (ConfigValue) -> Value?,
    write: @escaping @Sendable (Value) -> ConfigValue
  ) {
    self.init(
      key: key, expected: expected,
      assign: { value, target in
        guard let fitting = read(value) else { return false }
        target[keyPath: path] = .some(fitting)
        return true
      }, value: { $0[keyPath: path].map(write) ?? .null })
  }

  /// A whole number in `range`.
  package static func integer(_ key: String, _ path: Path<Int>, _ range: ClosedRange<Int>) -> Self {
    Self(
      key, path, expected: "a whole number \(words(range))", read: { $0.integer(in: range) },
      write: { .integer($0) }
    ).form(.whole)
  }

  /// A whole number in `range`, or not set.
  package static func integer(_ key: String, _ path: Path<Int?>, _ range: ClosedRange<Int>) -> Self
  {
    Self(
      optional: key, path, expected: "a whole number \(words(range))",
      read: { $0.integer(in: range) }, write: { .integer($0) }
    ).form(.whole)
  }

  /// The seed of a random draw.
  package static func seed(_ key: String, _ path: Path<UInt64>) -> Self {
    let range = 0...Int(UInt32.max)
    return Self(
      key, path, expected: "a whole number \(words(range))",
      read: { $0.integer(in: range).map { UInt64($0) } }, write: { .integer(Int($0)) }
    ).form(.whole)
  }

  /// A finite number that `bounds` admits.
  package static func number(_ key: String, _ path: Path<Double>, _ bounds: NumberBounds) -> Self {
    Self(
      key, path, expected: bounds.words, read: { $0.number(bounds) }, write: { .real($0) }
    ).form(.number)
  }

  /// A finite number that `bounds` admits, or not set.
  package static func number(_ key: String, _ path: Path<Double?>, _ bounds: NumberBounds) -> Self {
    Self(
      optional: key, path, expected: bounds.words, read: { $0.number(bounds) },
      write: { .real($0) }
    ).form(.number)
  }

  /// Whole numbers, each in `range`.
  package static func integers(_ key: String, _ path: Path<[Int]>, _ range: ClosedRange<Int>)
    -> Self
  {
    Self(
      key, path, expected: "a list of whole numbers \(words(range))",
      read: { $0.integers(in: range) }, write: { .list($0.map { .integer($0) }) }
    ).form(.wholes)
  }

  /// True or false.
  package static func boolean(_ key: String, _ path: Path<Bool>) -> Self {
    Self(
      key, path, expected: "true or false",
      read: { if case .boolean(let value) = $0 { value } else { nil } }, write: { .boolean($0) }
    ).form(.truth).calling(SettingFlag.truthName)
  }

  /// True or false, or not set.
  package static func boolean(_ key: String, _ path: Path<Bool?>) -> Self {
    Self(
      optional: key, path, expected: "true or false",
      read: { if case .boolean(let value) = $0 { value } else { nil } }, write: { .boolean($0) }
    ).form(.truth).calling(SettingFlag.truthName)
  }

  /// Some text.
  package static func text(_ key: String, _ path: Path<String>, _ expected: String) -> Self {
    Self(key, path, expected: expected, read: { $0.nonEmptyText }, write: { .text($0) })
  }

  /// Some text, or not set.
  package static func text(_ key: String, _ path: Path<String?>, _ expected: String) -> Self {
    Self(
      optional: key, path, expected: expected, read: { $0.nonEmptyText }, write: { .text($0) })
  }

  /// The name of a file that ends in one of `endings`, in small or capital letters.
  package static func path(_ key: String, _ path: Path<String>, endingIn endings: [String]) -> Self
  {
    Self(
      key, path, expected: expectedEnding(endings), read: { $0.text(endingIn: endings) },
      write: { .text($0) })
  }

  /// The name of a file that ends in one of `endings`, or not set.
  package static func path(
    _ key: String, _ path: Path<String?>, endingIn endings: [String]
  ) -> Self {
    Self(
      optional: key, path, expected: expectedEnding(endings),
      read: { $0.text(endingIn: endings) }, write: { .text($0) })
  }

  private static func expectedEnding(_ endings: [String]) -> String {
    "a file's name that ends in \(endings.joined(separator: " or "))"
  }

  /// This key for a configuration that has the target at `path`.
  func within<Outer: Sendable>(
    _ path: WritableKeyPath<Outer, Target> & Sendable
  ) -> ConfigField<Outer> {
    ConfigField<Outer>(
      key: key, expected: expected,
      assign: { [assign] value, outer in assign(value, &outer[keyPath: path]) },
      value: { [value] outer in value(outer[keyPath: path]) }, role: role, attacks: attacks,
      words: words)
  }

  /// One of an enumeration's names.
  package static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    _ key: String, _ path: Path<Choice>
  ) -> Self {
    Self(
      key, path, expected: oneOf(Choice.self),
      read: { value in
        // YAML's plain none is nothing, and a choice may be called so.
        (value == .null ? "none" : value.nonEmptyText).flatMap { Choice(rawValue: $0) }
      }, write: { .text($0.rawValue) }
    ).choosing(Choice.self)
  }

  /// One of an enumeration's names, or not set.
  package static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    _ key: String, _ path: Path<Choice?>
  ) -> Self {
    Self(
      optional: key, path, expected: oneOf(Choice.self),
      read: { $0.nonEmptyText.flatMap { Choice(rawValue: $0) } }, write: { .text($0.rawValue) }
    ).choosing(Choice.self)
  }

  /// A list, or one value, of what `read` takes for an item; no item twice, one at least unless
  /// `mayBeEmpty`.
  package static func list<Item: Hashable & Sendable>(
    _ key: String, _ path: Path<[Item]>, of items: String, mayBeEmpty: Bool = false,
    read: @escaping @Sendable (ConfigValue) -> Item?,
    write: @escaping @Sendable (Item) -> ConfigValue
  ) -> Self {
    Self(
      key, path, expected: "a list, nothing in it twice, of " + items,
      read: { value in
        var values = [value]
        if case .list(let several) = value { values = several }
        let found = values.compactMap(read)
        guard found.count == values.count, Set(found).count == found.count else { return nil }
        return found.isEmpty && !mayBeEmpty ? nil : found
      }, write: { .list($0.map(write)) })
  }

  /// Names of an enumeration.
  package static func choices<
    Choice: RawRepresentable<String> & CaseIterable & Hashable & Sendable
  >(
    _ key: String, _ path: Path<[Choice]>, mayBeEmpty: Bool = false
  ) -> Self {
    list(
      key, path, of: Choice.allCases.map(\.rawValue).joined(separator: ", "),
      mayBeEmpty: mayBeEmpty, read: { $0.nonEmptyText.flatMap { Choice(rawValue: $0) } },
      write: { .text($0.rawValue) })
  }

  /// Finite numbers that `bounds` admits.
  package static func numbers(
    _ key: String, _ path: Path<[Double]>, _ bounds: NumberBounds
  ) -> Self {
    list(
      key, path, of: "items that are each \(bounds.words)", read: { $0.number(bounds) },
      write: { .real($0) })
  }

  /// Seeds of random draws.
  package static func seeds(_ key: String, _ path: Path<[UInt64]>) -> Self {
    let range = 0...Int(UInt32.max)
    return list(
      key, path, of: "whole numbers \(words(range))",
      read: { $0.integer(in: range).map { UInt64($0) } }, write: { .integer(Int($0)) })
  }

  /// Whether to go on with an earlier run: true, false or `auto`.
  package static func resume(_ key: String, _ path: Path<ResumeMode>) -> Self {
    Self(
      key, path, expected: "true, false or auto",
      read: { value in
        switch value {
        case .boolean(let resumes): resumes ? .on : .off
        default: value.nonEmptyText == ResumeMode.auto.rawValue ? .auto : nil
        }
      },
      write: { $0 == .auto ? .text($0.rawValue) : .boolean($0 == .on) }
    ).form(.truthOrWord).calling("true|false|auto")
  }

  /// A key of the original tools of which only one value is supported.
  package static func fixed(_ key: String, _ only: ConfigValue) -> Self {
    Self(
      key: key, expected: "\(only), the only one supported", assign: { value, _ in value == only },
      value: { _ in only }
    )
    .form(only == .boolean(false) ? .truth : .text)
    .calling(only == .boolean(false) ? SettingFlag.truthName : "name")
  }

  private static func words(_ range: ClosedRange<Int>) -> String {
    range.upperBound == .max
      ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
  }

  private func calling(_ valueName: String) -> Self {
    var field = self
    field.words.valueName = valueName
    return field
  }

  private func choosing<Choice: RawRepresentable<String> & CaseIterable>(_: Choice.Type) -> Self {
    var field = calling("name")
    field.words.choices = Choice.allCases.map(\.rawValue)
    return field
  }

  package static func oneOf<Choice: RawRepresentable<String> & CaseIterable>(_: Choice.Type)
    -> String
  {
    "one of " + Choice.allCases.map(\.rawValue).joined(separator: ", ")
  }
}
