extension AttackConfiguration {
  /// The learning-rate schedule that the names and numbers amount to.
  var learningRateSchedule: LearningRateSchedule {
    LearningRateSchedule(
      schedule, base: learningRate, period: scheduleEpochs, milestones: milestones, gamma: gamma)
  }

  /// Images of one step over all ranks.
  func globalBatchSize(worldSize: Int) -> Int {
    batchSizePerRank.map { $0 * worldSize } ?? batchSize
  }

  /// What the run's mathematics depend on: a checkpoint of other settings is not gone on with, and
  /// ranks of other settings do not train together.
  func settings(data: AttackData, worldSize: Int) -> [(key: String, value: String)] {
    [
      ("attack", attack.rawValue), ("dataset", dataset), ("model", model.rawValue),
      ("width", "\(width)"), ("attack_target", "\(attackTarget)"),
      ("attack_label_trans", labelTransform.rawValue), ("pratio", poisonRatio.pythonRepr),
      ("tuning_split", tuningSplit.rawValue),
      ("split_ratio", tuningSplit == .heldOut ? splitRatio.pythonRepr : "-"),
      ("epochs", "\(epochs)"), ("batch_size", "\(globalBatchSize(worldSize: worldSize))"),
      ("lr_scheduler", "\(learningRateSchedule)"), ("sgd_momentum", momentum.pythonRepr),
      ("wd", weightDecay.pythonRepr), ("lb_smooth", labelSmoothing.pythonRepr),
      ("augment", "\(augment)"), ("random_seed", "\(randomSeed)"),
      ("max_steps", maxSteps.map { "\($0)" } ?? "none"), ("sync_bn", "\(syncBatchNorm)"),
      ("accumulation_steps", "\(accumulationSteps)"), ("compress", compression.rawValue),
      ("data", String(data.checksum, radix: 16)),
    ]
  }
}

extension LearningRateSchedule {
  /// The schedule called `name`; a one-cycle schedule peaks at `base` after 30 % of all steps.
  init(_ name: ScheduleName, base: Double, period: Int, milestones: [Int], gamma: Double) {
    switch name {
    case .cosine: self = .cosine(base: base, period: period)
    case .multiStep: self = .multiStep(base: base, milestones: milestones, gamma: gamma)
    case .constant: self = .constant(base: base)
    case .oneCycle: self = .oneCycle(peak: base, warmUp: 0.3)
    }
  }
}
