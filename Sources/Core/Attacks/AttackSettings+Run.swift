// The settings of a trigger that is applied anew are those of the run that trained the model.

extension MethodSettings<Attacks> {
  /// The settings of `attack`: what was given, else what a run of that attack has `noted`, else the
  /// defaults.
  package func completed(for attack: AttackName, by noted: [String: ConfigValue]) -> any Attack {
    var completed = self
    completed.name = attack
    for field in Self.triggerFields where field.concerns(attack.rawValue) {
      guard let value = noted[field.key], !givenKeys.contains(field.key) else { continue }
      var changed = completed
      if field.assign(value, &changed) { completed = changed }
    }
    return completed[attack]
  }
}

extension AttackedModel.Description {
  /// The settings of `attack`'s trigger on images of this model: `given` ones, else those of the
  /// model's own run where that was of this attack, else the defaults.
  ///
  /// A run elsewhere may name files that are not here; `absence` says of which that is so.
  func settings(of attack: AttackName, given: AttackSettings) -> any Attack {
    given.completed(for: attack, by: noted(of: attack).filter { !absentFiles.contains($0.key) })
  }

  /// A line where the run's trigger is made of files that are not here; nil where it is not.
  func absence(of attack: AttackName, given: AttackSettings) -> String? {
    let own = Set(
      AttackSettings.triggerFields.filter { $0.concerns(attack.rawValue) }.map(\.key))
    let absent = noted(of: attack).filter {
      own.contains($0.key) && absentFiles.contains($0.key) && !given.givenKeys.contains($0.key)
    }
    let list = absent.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", ")
    return absent.isEmpty
      ? nil : "not found, so that the default stands for what the run's trigger had: \(list)"
  }

  private func noted(of attack: AttackName) -> [String: ConfigValue] {
    self.attack == attack.rawValue ? runSettings : [:]
  }
}
