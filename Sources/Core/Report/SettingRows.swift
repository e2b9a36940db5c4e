/// The settings of a run as rows of a table: those that matter, and the others.
struct SettingRows {
  /// Key, value and what it decides.
  private(set) var important: [[String]] = []
  private(set) var others: [[String]] = []

  /// What is told of a run whether or not it is the default.
  private static let told: Set = [
    "dataset", "model", "width", "epochs", "batch_size", "lr", "pratio", "attack_target",
    "random_seed", "split_ratio", "alpha", "ft_mode",
  ]
  /// What stands elsewhere on the page.
  private static let leftOut: Set = ["attack", "terminal_info"]

  /// The rows of `arguments` where `fields` are known, of which `defaults` has the defaults.
  init<Target>(
    _ arguments: [ConfigArgument], fields: [ConfigField<Target>], defaults: Target, attack: String?
  ) {
    var seen: Set<String> = []
    let last = arguments.reversed().filter { seen.insert($0.key).inserted }.reversed()
    for argument in last where !Self.leftOut.contains(argument.key) {
      let field = fields.first { $0.key == argument.key }
      if let field, !field.concerns(attack) { continue }
      let row = [argument.key, argument.value.plain, Self.short(field?.help ?? "")]
      let isDefault = field.map { $0.value(defaults) == argument.value } ?? false
      if Self.told.contains(argument.key) || field != nil && !isDefault {
        important.append(row)
      } else {
        others.append(row)
      }
    }
  }

  /// The first clause of a help text, where that is a sentence by itself.
  static func short(_ help: String) -> String {
    let clause = ["; ", ": ", " ("].reduce(help) { $0.components(separatedBy: $1)[0] }
    return clause.contains(" ") ? clause : ""
  }

  /// Those of an attack's run.
  init(of run: RunFiles) {
    let name = run.description.attack
    let attack = name.flatMap(AttackName.init(rawValue:)) ?? .first
    self.init(
      run.arguments, fields: AttackConfiguration.fields,
      defaults: AttackConfiguration(attack: attack), attack: name)
  }

  /// Those of a tuning or a defence.
  init(of purified: PurifiedFiles, attack: String?) {
    if let defence = DefenceName(rawValue: purified.name) {
      self.init(
        purified.arguments, fields: DefendConfiguration.fields,
        defaults: DefendConfiguration(defence: defence), attack: attack)
    } else {
      self.init(
        purified.arguments, fields: TuneConfiguration.fields,
        defaults: TuneConfiguration(attack: nil), attack: attack)
    }
  }

  /// Adds both tables, the others' closed.
  func add(to html: inout HTMLText) {
    add(important, "Settings that are no default, and those that every run has.", to: &html)
    guard !others.isEmpty else { return }
    html.details("All other settings (\(others.count))") { html in
      add(others, "At their defaults, or not this program's.", to: &html)
    }
  }

  private func add(_ rows: [[String]], _ caption: String, to html: inout HTMLText) {
    guard !rows.isEmpty else { return }
    html.table(
      caption: caption, columns: ["setting", "value", "what it decides"], rows: rows, numbers: 0..<0
    )
  }
}

/// The command that a run was started with.
enum RunCommand {
  /// The words of `arguments`, with a launcher before them where there were several ranks.
  ///
  /// Without them it is the command as a log has it; nil where neither is known.
  static func text(_ arguments: [ConfigArgument], log: RunLogText) -> String? {
    var words: [String] = []
    if case .list(let values)? = arguments.last(where: { $0.key == "terminal_info" })?.value {
      words = values.map(\.plain)
    }
    let ranks = log.rankCount ?? 1
    let launcher = ranks > 1 ? "mpirun -np \(ranks) " : ""
    guard let program = words.first else { return log.command.map { launcher + $0 } }
    let name = PathText.name(of: program) == "fst" ? "fst" : program
    return launcher + ([name] + words.dropFirst()).map(ShellWord.quoted).joined(separator: " ")
  }
}
