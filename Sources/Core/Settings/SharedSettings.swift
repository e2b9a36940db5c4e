// The settings that all ranks of a run must have in common; see Note [Start check] in Distributed.

extension ConfigField {
  /// What `target` says under the keys of `fields` that all ranks share, in the table's order.
  fileprivate static func shared(
    _ fields: [Self], of target: Target, command: String
  ) -> [(key: String, value: String)] {
    [("command", command)]
      + fields.filter(\.role.isShared)
      .map { ($0.key, $0.value(target).description) }
  }
}

extension AttackConfiguration {
  /// The command and all settings that ranks must share.
  package var sharedSettings: [(key: String, value: String)] {
    ConfigField.shared(Self.fields, of: self, command: "attack")
  }
}

extension TuneConfiguration {
  /// The command and all settings that ranks must share.
  package var sharedSettings: [(key: String, value: String)] {
    ConfigField.shared(Self.fields, of: self, command: "tune")
  }
}

extension EvaluateConfiguration {
  /// The command, the archive and all settings that ranks must share.
  package var sharedSettings: [(key: String, value: String)] {
    ConfigField.shared(Self.fields, of: self, command: "evaluate") + [("archive", "'\(archive)'")]
  }
}

extension FeatureSheetConfiguration {
  /// The command, the archives and all settings that ranks must share.
  package var sharedSettings: [(key: String, value: String)] {
    ConfigField.shared(Self.fields, of: self, command: "tsne")
      + archives.map { ("archive", "'\($0)'") }
  }
}
