/// The name of a run's folder, by which the commands after an attack find it again.
enum RunFolderName {
  /// `record/<dataset>/<attack>/pratio_<p>-target_<t>-archi_<model>`, `<p>` as Python prints a
  /// float.
  static func path(
    record: String, dataset: String, attack: String, poisonRatio: Double, attackTarget: Int,
    model: NetworkKind
  ) -> String {
    let run =
      "pratio_\(poisonRatio.pythonRepr)-target_\(attackTarget)-archi_\(model.rawValue)"
    return "\(record)/\(dataset)/\(attack)/\(run)"
  }
}
