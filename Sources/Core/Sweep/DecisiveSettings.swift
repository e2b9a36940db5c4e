extension TrainingConfiguration {
  /// The settings that decide the run's result, by key; of a tuning, but for those of its attack.
  package var decisiveSettings: [String: String] {
    let fields = Self.fields.filter {
      $0.role.isDecisive && $0.concerns(knownAttack) && !keysWithoutEffect.contains($0.key)
    }
    return Dictionary(fields.map { ($0.key, $0.value(self).description) }) { first, _ in first }
  }
}

extension AttackConfiguration {
  /// The configuration of the run that left `info`; nil where its arguments are not this program's.
  init?(info: [PickleValue.Entry]) {
    let arguments = info.map { (key: $0.key.text, value: ConfigValue($0.value)) }
    guard case .text(let name)? = arguments.last(where: { $0.key == "attack" })?.value,
      let attack = AttackName(rawValue: name)
    else { return nil }
    self.init(attack: attack)
    for (key, value) in arguments {
      guard let field = Self.fields.first(where: { $0.key == key }) else { continue }
      guard let value else { return nil }
      guard value == .null || field.assign(value, &self) else { return nil }
    }
  }
}

extension SweepAttack {
  /// The settings that decide the result.
  var settings: [String: String] { configuration.decisiveSettings }
  /// What a setting was before this program knew its key.
  var defaults: [String: String] {
    AttackConfiguration(attack: configuration.attack).decisiveSettings
  }
}

extension SweepTuning {
  /// The settings that decide the result of tuning `attack`'s, its own under `attack.<key>`.
  package func settings(of attack: SweepAttack) -> [String: String] {
    Self.join(configuration.decisiveSettings, attack.settings)
  }

  /// What a setting was before this program knew its key.
  func defaults(of attack: SweepAttack) -> [String: String] {
    Self.join(
      TuneConfiguration(attack: configuration.attack).decisiveSettings, attack.defaults)
  }

  private static func join(
    _ settings: [String: String], _ attack: [String: String]
  ) -> [String: String] {
    settings.merging(attack.map { ("attack.\($0.key)", $0.value) }) { own, _ in own }
  }
}

extension ConfigValue {
  /// The value that Python kept; nil where a configuration has no such values.
  init?(_ archived: PickleValue) {
    switch archived {
    case .none: self = .null
    case .bool(let value): self = .boolean(value)
    case .int(let value): self = .integer(Int(value))
    case .float(let value): self = .real(value)
    case .string(let value): self = .text(value)
    case .list(let items):
      let values = items.compactMap { ConfigValue($0) }
      guard values.count == items.count else { return nil }
      self = .list(values)
    default: return nil
    }
  }
}
