extension SettingFlag {
  /// Keys of the original tools that a CPU run accepts and that change nothing in it.
  static let ignored: [SettingFlag] = [
    accepted("device", "name"), accepted("num_workers", "n"),
    accepted("pin_memory", "boolean", short: "pm"),
    accepted("non_blocking", "boolean", short: "nb"), accepted("prefetch", "boolean", short: "pf"),
    accepted("prefetch_transform_attr_name", "name"), accepted("amp", "boolean"),
    accepted("git_hash", "hash"),
    accepted("log", truthName, .truth, "Accepted: a log is written in any case."),
  ]

  private static func accepted(
    _ key: String, _ valueName: String, _ form: Form = .text,
    _ help: String = "Accepted, without effect.", short: String? = nil
  ) -> SettingFlag {
    SettingFlag(
      key: key, names: [key], shortNames: short.map { [$0] } ?? [], form: form,
      valueName: valueName, help: help, section: SettingSection.accepted.rawValue)
  }
}

extension AttackConfiguration {
  /// The flags of an attack run, whose attack is a word of the command.
  public static let flags =
    ConfigField.flags(fields.filter { $0.key != "attack" }, defaults: Self(attack: .first))
    + SettingFlag.ignored

  /// Those of them that decide what a trigger looks like.
  public static let triggerFlags = ConfigField.flags(
    fields.filter { [.data, .run, .attack, .machine].contains($0.words.section) }
      .filter { !["attack", "attack_train_blended_alpha"].contains($0.key) },
    defaults: Self(attack: .first))
}

extension TuneConfiguration {
  /// The flags of a tuning run.
  public static let flags =
    ConfigField.flags(fields, defaults: Self(attack: nil)) + SettingFlag.ignored
}

extension DefendConfiguration {
  /// The flags of a defence, whose name is a word of the command.
  public static let flags =
    ConfigField.flags(fields, defaults: Self(defence: DefenceName.allCases[0]))
    + SettingFlag.ignored
}

extension EvaluateConfiguration {
  /// The flags of an evaluation.
  public static let flags = ConfigField.flags(fields, defaults: Self(archive: ""))
}

extension FeatureSheetConfiguration {
  /// The flags of a sheet of features.
  public static let flags = ConfigField.flags(fields, defaults: Self(archives: []))
}
