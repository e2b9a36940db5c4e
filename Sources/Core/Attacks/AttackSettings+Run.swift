// The settings of a trigger that is applied anew are those of the run that trained the model.

extension MethodSettings<Attacks> {
  /// The settings of `attack`: what was given, else what `noted` says, else the defaults.
  ///
  /// `noted` are the trigger's settings of a run of that attack, by key.
  package func completed(
    for attack: AttackName, by noted: [String: ConfigValue]
  ) -> any Attack {
    var completed = self
    completed.name = attack
    for field in Self.triggerFields where field.concerns(attack.rawValue) {
      guard let value = noted[field.key], !givenKeys.contains(field.key) else { continue }
      var changed = completed
      if field.assign(value, &changed) { completed = changed }
    }
    return completed[attack]
  }

  /// The trigger's settings among the arguments `info` of a run of `attack`, by key.
  package static func noted(
    in info: [PickleValue.Entry], for attack: AttackName
  ) -> [String: ConfigValue] {
    let keys = Set(triggerFields.filter { $0.concerns(attack.rawValue) }.map(\.key))
    var noted: [String: ConfigValue] = [:]
    for entry in info {
      guard let key = entry.key.text, keys.contains(key), let value = ConfigValue(entry.value),
        value.isFinite
      else { continue }
      noted[key] = value
    }
    return noted
  }
}

extension ConfigValue {
  /// Whether it can travel between ranks.
  fileprivate var isFinite: Bool {
    switch self {
    case .real(let value): value.isFinite
    case .list(let values): values.allSatisfy(\.isFinite)
    case .null, .boolean, .integer, .text: true
    }
  }
}

extension AttackedModel.Description {
  /// The settings of `attack`'s trigger on images of this model: `given` ones, else those of the
  /// model's own run where that was of this attack, else the defaults.
  func settings(of attack: AttackName, given: AttackSettings) -> any Attack {
    given.completed(for: attack, by: self.attack == attack.rawValue ? triggerSettings : [:])
  }
}
