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
  /// The settings that decide the result: its own, those of the attack under `attack.<key>`, those of
  /// what it tests under `tested.<key>` and those of its retuning under `retuned.<key>`.
  package func settings(of attack: SweepAttack) -> [String: String] {
    join(attack.settings) { $0.decisiveSettings }
  }

  /// What a setting was before this program knew its key.
  func defaults(of attack: SweepAttack) -> [String: String] {
    join(attack.defaults) { $0.defaultSettings }
  }

  private func join(
    _ attack: [String: String], _ settings: (SweepMethod) -> [String: String]
  ) -> [String: String] {
    let others = [
      ("attack", attack), ("tested", tested.map { settings($0.method) } ?? [:]),
      ("retuned", retuned.map { settings($0.method) } ?? [:]),
    ]
    return others.reduce(into: settings(method)) { all, other in
      for (key, value) in other.1 { all["\(other.0).\(key)"] = value }
    }
  }
}

extension SweepMethod {
  /// The settings that decide the result of the same model.
  var decisiveSettings: [String: String] {
    switch self {
    case .tuning(let tuning): tuning.decisiveSettings
    case .defence(let defence): defence.decisiveSettings
    }
  }

  /// What they are where nothing is given.
  var defaultSettings: [String: String] {
    switch self {
    case .tuning(let tuning): TuneConfiguration(attack: tuning.attack).decisiveSettings
    case .defence(let defence):
      DefenceName(rawValue: defence.name).map {
        DefendConfiguration(defence: $0).decisiveSettings
      } ?? [:]
    }
  }
}

extension DefendConfiguration {
  /// The settings that decide the result of the same model, by key.
  var decisiveSettings: [String: String] {
    let fields = Self.fields.filter {
      $0.role.isDecisive && $0.concerns(name) && !shared.idlePowerSGDKeys.contains($0.key)
    }
    let own = Dictionary(fields.map { ($0.key, $0.value(self).description) }) { first, _ in first }
    return own.merging(["defence": name]) { own, _ in own }
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
