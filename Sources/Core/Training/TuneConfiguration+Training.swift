import Distributed

extension TuneConfiguration {
  /// What a checkpoint must have been saved with to be gone on from.
  func settings(
    batchSize: Int, data: LabeledImages, model: ParameterStore
  ) -> [(key: String, value: String)] {
    let state = [model.values, model.buffers].map { Checksum.of(UnsafeRawBufferPointer($0.bytes)) }
    let recipe = LearningRateSchedule(
      schedule, base: learningRate, period: scheduleEpochs, milestones: milestones, gamma: gamma)
    return [
      ("attack", attack.rawValue), ("dataset", dataset), ("model", self.model.rawValue),
      ("ft_mode", mode.rawValue), ("alpha", alpha.pythonRepr), ("epochs", "\(epochs)"),
      ("batch_size", "\(batchSize)"), ("lr_scheduler", "\(recipe)"),
      ("sgd_momentum", momentum.pythonRepr), ("wd", weightDecay.pythonRepr),
      ("lb_smooth", labelSmoothing?.pythonRepr ?? "none"), ("augment", "\(augment)"),
      ("random_seed", "\(randomSeed)"), ("max_steps", maxSteps.map { "\($0)" } ?? "none"),
      ("sync_bn", "\(syncBatchNorm)"), ("accumulation_steps", "\(accumulationSteps)"),
      ("compress", compression.rawValue),
      ("data", String(data.checksum, radix: 16)),
      ("attacked_model", String(state.withUnsafeBytes(Checksum.of), radix: 16)),
    ]
  }
}
