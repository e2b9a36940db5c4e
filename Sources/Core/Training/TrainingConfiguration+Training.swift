import Distributed

extension TrainingConfiguration {
  /// The learning-rate schedule that the names and numbers amount to.
  var learningRateSchedule: LearningRateSchedule {
    LearningRateSchedule(
      schedule, base: learningRate, period: scheduleEpochs, milestones: milestones, gamma: gamma)
  }

  /// The part of a checkpoint's settings that both commands have: what the bits depend on.
  func trainingSettings(worldSize: Int) -> [(key: String, value: String)] {
    [
      ("epochs", "\(epochs)"), ("batch_size", "\(globalBatchSize(worldSize: worldSize))"),
      ("lr_scheduler", "\(learningRateSchedule)"), ("sgd_momentum", momentum.pythonRepr),
      ("wd", weightDecay.pythonRepr), ("augment", "\(augment)"), ("random_seed", "\(randomSeed)"),
      ("max_steps", maxSteps.map { "\($0)" } ?? "none"), ("sync_bn", "\(syncBatchNorm)"),
      ("accumulation_steps", "\(accumulationSteps)"), ("compress", compression.rawValue),
    ]
  }

  /// The threads and kernels of a rank of `communicator`.
  func makeContext(_ communicator: any Communicator) -> ComputeContext {
    ComputeContext(
      threads: ThreadCount.resolve(requested: threads),
      batchNormGroup: syncBatchNorm ? communicator : nil, convolution: convolution)
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
