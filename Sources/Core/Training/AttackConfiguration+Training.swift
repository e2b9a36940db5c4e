extension AttackConfiguration {
  /// What the run's mathematics depend on: a checkpoint of other settings is not gone on with.
  func settings(data: AttackData, worldSize: Int) -> [(key: String, value: String)] {
    settings(worldSize: worldSize) + [("data", String(data.checksum, radix: 16))]
  }

  /// The same but for the data.
  func settings(worldSize: Int) -> [(key: String, value: String)] {
    [
      ("attack", attack.rawValue), ("dataset", dataset), ("model", model.rawValue),
      ("width", "\(width)"), ("attack_target", "\(attackTarget)"),
      ("attack_label_trans", labelTransform.rawValue), ("pratio", poisonRatio.pythonRepr),
      ("tuning_split", tuningSplit.rawValue),
      ("split_ratio", tuningSplit == .heldOut ? splitRatio.pythonRepr : "-"),
      ("lb_smooth", labelSmoothing.pythonRepr),
    ] + trainingSettings(worldSize: worldSize) + (attack == .trojannn ? trojanSettings : [])
  }

  /// What the trigger is made from, but for the clean model: a resumed run has the trigger already.
  private var trojanSettings: [(key: String, value: String)] {
    [
      ("mask_path", trojan.maskPath ?? "none"), ("num_neuron", "\(trojan.neuronCount)"),
      ("neuron_target_values", trojan.neuronTarget.pythonRepr),
      ("mask_update_iters", "\(trojan.iterations)"), ("trojan_eps", trojan.epsilon.pythonRepr),
      ("trojan_alpha", trojan.step.pythonRepr),
    ]
  }
}
