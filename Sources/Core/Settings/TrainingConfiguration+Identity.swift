extension TrainingConfiguration {
  /// The identity of a run on `worldSize` ranks as far as the table of fields says it.
  package func identity(worldSize: Int) -> RunIdentity {
    var identity = RunIdentity(settings: mathematics(worldSize: worldSize))
    let defaults = self.defaults.mathematics(worldSize: worldSize)
    identity.defaults = Dictionary(defaults.map { ($0.key, $0.value) }) { first, _ in first }
    identity.machine = Self.fields.filter(\.role.isToldOnResume)
      .map { ($0.key, $0.value(self).plain) }
    return identity
  }

  /// Settings of the mathematics, each once: the batch size over all ranks and the schedule's name
  /// stand for the keys that they are made from.
  private func mathematics(worldSize: Int) -> [(key: String, value: String)] {
    let made = [
      "batch_size": "\(globalBatchSize(worldSize: worldSize))",
      "lr_scheduler": "\(learningRateSchedule)",
    ]
    let parts: Set = [
      "batch_size_per_rank", "lr", "cosine_t_max", "steplr_milestones", "steplr_gamma",
    ]
    return Self.fields
      .filter { $0.role == .mathematics && $0.concerns(knownAttack) && !parts.contains($0.key) }
      .filter { !keysWithoutEffect.contains($0.key) }
      .map { ($0.key, made[$0.key] ?? $0.value(self).plain) }
  }
}
