extension AttackConfiguration {
  /// What the run's mathematics depend on: a checkpoint of other settings is not gone on with.
  func settings(data: AttackData, worldSize: Int) -> [(key: String, value: String)] {
    [
      ("attack", attack.rawValue), ("dataset", dataset), ("model", model.rawValue),
      ("width", "\(width)"), ("attack_target", "\(attackTarget)"),
      ("attack_label_trans", labelTransform.rawValue), ("pratio", poisonRatio.pythonRepr),
      ("tuning_split", tuningSplit.rawValue),
      ("split_ratio", tuningSplit == .heldOut ? splitRatio.pythonRepr : "-"),
      ("lb_smooth", labelSmoothing.pythonRepr),
    ] + trainingSettings(worldSize: worldSize) + [("data", String(data.checksum, radix: 16))]
  }
}
