/// What makes a run that is gone on with the same run, taken from the tables of fields.
///
/// See `SettingRole`: a new key is part of it unless it is told to be something else.
public struct RunIdentity: Sendable {
  /// The settings of the run's mathematics, in order; a checkpoint of others is refused.
  public var settings: [(key: String, value: String)]
  /// What stands for a key that the program did not know when it saved a checkpoint.
  public var defaults: [String: String] = [:]
  /// How rank 0 computes, in order; a difference shows in last bits and is told.
  public var machine: [(key: String, value: String)] = []

  /// The identity of these settings alone.
  public init(settings: [(key: String, value: String)]) { self.settings = settings }
}

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

extension ConfigValue {
  /// The value without quotes; `none` where there is none.
  var plain: String {
    switch self {
    case .null: "none"
    case .text(let text): text
    default: description
    }
  }
}
