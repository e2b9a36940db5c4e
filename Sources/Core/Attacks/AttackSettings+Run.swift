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
  func settings(of attack: AttackName, given: AttackSettings) -> any Attack {
    given.completed(for: attack, by: self.attack == attack.rawValue ? runSettings : [:])
  }
}
