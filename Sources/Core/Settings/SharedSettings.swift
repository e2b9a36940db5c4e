// The settings that all ranks of a run must have in common; see Note [Start check] in Distributed.

extension ConfigField {
  /// What `target` says under the keys of `fields` that all ranks share, in the table's order.
  static func shared(
    _ fields: [Self], of target: Target, command: String
  ) -> [(key: String, value: String)] {
    [("command", command)]
      + fields.filter(\.role.isShared)
      .map { ($0.key, $0.value(target).description) }
  }
}
