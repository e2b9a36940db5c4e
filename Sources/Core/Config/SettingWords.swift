/// The parts of a command's help, in their order.
package enum SettingSection: String, CaseIterable, Sendable {
  case tuning = "Tuning"
  case sheet = "Sheet"
  case embedding = "t-SNE, as scikit-learn names it"
  case data = "Data"
  case run = "Poison, model and folder"
  case reapplied = "The attack, whose trigger is applied anew where named"
  /// Settings of single attacks, each attack below its own name.
  case attack
  case training = "Training"
  case result = "Result"
  case checkpoints = "Checkpoints"
  case watching = "Watching"
  case ranks = "Many ranks"
  case machine = "Machine and output"
  case accepted = "Accepted from the original tools"
}

/// What a command line and its help make of a setting.
struct SettingWords: Sendable {
  /// How the words after the flag become a value.
  var form = SettingFlag.Form.text
  /// What it decides, in a sentence without its full stop; empty is not said yet.
  var help = ""
  /// What the help calls the value.
  var valueName = "value"
  /// Where it stands in the help.
  var section = SettingSection.training
  /// Other names of the flag than the key.
  var names: [String] = []
  /// The values there are, where it is a choice.
  var choices: [String] = []
  /// Other keys for it, with what the help says of them.
  var synonyms: [(key: String, help: String)] = []
  /// Flags that set it to false, likewise.
  var opposites: [(key: String, help: String)] = []
}

extension ConfigField {
  /// What it decides, in a sentence without its full stop.
  public var help: String { words.help }

  /// The same key with its words in the help; a default that is a value is added to them.
  package func help(_ help: String, _ valueName: String? = nil, in section: SettingSection) -> Self
  {
    var field = self
    (field.words.help, field.words.section) = (help, section)
    if let valueName { field.words.valueName = valueName }
    return field
  }

  /// The same key, whose value is read from the command line as `form`.
  package func form(_ form: SettingFlag.Form) -> Self {
    var field = self
    field.words.form = form
    return field
  }

  /// The same key, whose flag has other names too.
  package func named(_ names: String...) -> Self {
    var field = self
    field.words.names = names
    return field
  }

  /// The same key, which `key` gives too.
  package func synonym(_ key: String, _ help: String) -> Self {
    var field = self
    field.words.synonyms.append((key, help))
    return field
  }

  /// The same key, which the flag `key` makes false.
  package func opposite(_ key: String, _ help: String) -> Self {
    var field = self
    field.words.opposites.append((key, help))
    return field
  }

  /// The same key; without words of its own it has those of its namesake among `others`.
  func described<Other>(as others: [ConfigField<Other>]) -> Self {
    guard words.help.isEmpty, let other = others.first(where: { $0.key == key }) else {
      return self
    }
    var field = self
    field.words = other.words
    return field
  }
}
