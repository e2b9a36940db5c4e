/// A setting as a command line gives it, and as the command's help explains it.
///
/// Flags are made from the tables of fields, so that what is a key is a flag.
public struct SettingFlag: Sendable {
  /// How the words after a flag become a value.
  public enum Form: Sendable {
    /// A word, kept as it is written.
    case text
    /// A whole number.
    case whole
    /// A number.
    case number
    /// A word that is typed as a YAML file's is.
    case typed
    /// Whole numbers up to the next flag.
    case wholes
    /// True or false; the flag alone is true.
    case truth
    /// Likewise, or another word.
    case truthOrWord
    /// No word: the flag alone is false.
    case off
  }

  /// The setting that is given.
  public let key: String
  /// What stands after two dashes, or after one for `shortNames`.
  public let names: [String]
  /// Further names, after one dash.
  public var shortNames: [String] = []
  /// How its words become a value.
  public let form: Form
  /// What the help calls its value.
  public let valueName: String
  /// What it decides, in a sentence.
  public let help: String
  /// The title in the help below which it stands.
  public let section: String
  /// The values there are, where it is a choice.
  public var choices: [String] = []
}

extension SettingFlag {
  /// The value that the words after the flag stand for; none of them is the flag alone.
  public func value(_ words: [String]) -> ConfigValue {
    let word = words.last ?? "true"
    return switch form {
    case .text: .text(word)
    case .whole: Self.whole(word)
    case .number: Double(word).map { .real($0) } ?? .text(word)
    case .typed, .truth, .truthOrWord: ConfigValue(plain: word)
    case .wholes: .list(words.map(Self.whole))
    case .off: .boolean(false)
    }
  }

  private static func whole(_ word: String) -> ConfigValue {
    Int(word).map { .integer($0) } ?? .text(word)
  }

  /// What the help calls the value of a flag that is true or false.
  public static let truthName = "true|false"

  /// Whether `word` after a flag of `form` `truth` is its value, and no argument of the command.
  public static func isTruth(_ word: String) -> Bool {
    if case .boolean = ConfigValue(plain: word) { true } else { false }
  }
}

extension ConfigField {
  /// The flags of `fields`, in the order of the help's sections and within one in the table's.
  static func flags(_ fields: [Self], defaults: Target) -> [SettingFlag] {
    SettingSection.allCases.flatMap { section in
      let own = fields.filter { $0.words.section == section }
      let order = own.map(\.title).reduce(into: [String]()) { titles, title in
        if !titles.contains(title) { titles.append(title) }
      }
      return order.flatMap { title in
        own.filter { $0.title == title }.flatMap { $0.flags(defaults: defaults) }
      }
    }
  }

  /// The title below which the help has it: the attack's name for what only an attack reads.
  private var title: String {
    words.section == .attack ? attacks.first ?? "Triggers" : words.section.rawValue
  }

  private func flags(defaults: Target) -> [SettingFlag] {
    func flag(_ key: String, _ names: [String], _ form: SettingFlag.Form, _ help: String)
      -> SettingFlag
    {
      SettingFlag(
        key: key, names: names, form: form, valueName: words.valueName, help: help, section: title,
        choices: words.choices)
    }
    let name = defaultName(defaults).map { " (default: \($0))" } ?? ""
    let values = words.choices.isEmpty ? "" : " (values: \(words.choices.joined(separator: ", ")))"
    return [flag(key, [key] + words.names, words.form, "\(words.help)\(name).\(values)")]
      + words.synonyms.map { flag($0.key, [$0.key], words.form, $0.help) }
      + words.opposites.map { flag(key, [$0.key], .off, $0.help) }
  }

  /// The default as the help names it, where its own words do not.
  private func defaultName(_ defaults: Target) -> String? {
    if words.help.contains("(default:") { return nil }
    switch value(defaults) {
    case .null, .boolean, .list, .text(""): return nil
    case .real(let number) where number == number.rounded():
      return String(number.pythonRepr.prefix { $0 != "." })
    case let value: return value.plain
    }
  }
}
