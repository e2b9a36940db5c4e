/// The settings that are read by one attack and not by all.
package struct AttackSettingsTable: Sendable {
  /// One of them: its key, what the help says of it, and what it decides.
  package struct Setting: Sendable {
    package let key: String
    package let help: String
    package let role: SettingRole
  }

  /// The attack's name.
  package let attack: String
  /// Its settings, in the order of the command's table.
  package let settings: [Setting]
}

extension AttackSettingsTable {
  /// The tables of all attacks that have settings of their own in `fields`.
  package static func all<Target>(in fields: [ConfigField<Target>]) -> [AttackSettingsTable] {
    AttackName.allCases.compactMap { attack in
      let own = fields.filter { $0.attacks.contains(attack.rawValue) }
      guard !own.isEmpty else { return nil }
      return AttackSettingsTable(
        attack: attack.rawValue,
        settings: own.map { Setting(key: $0.key, help: $0.help, role: $0.role) })
    }
  }
}
