import Distributed

extension TrainingConfiguration {
  /// The threads and kernels of a rank of `communicator`.
  func makeContext(_ communicator: any Communicator) -> ComputeContext {
    ComputeContext(
      threads: ThreadCount.resolve(requested: threads),
      batchNormGroup: syncBatchNorm ? communicator : nil, convolution: convolution,
      precision: precision)
  }
}

extension LearningRateSchedule {
  /// The schedule called `name`; a one-cycle schedule peaks at `base` after 30 % of all steps.
  init(
    _ name: ScheduleName, base: Double, period: Int, milestones: [Int], gamma: Double,
    factor: Double
  ) {
    switch name {
    case .cosine: self = .cosine(base: base, period: period)
    case .multiStep: self = .multiStep(base: base, milestones: milestones, gamma: gamma)
    case .constant: self = .constant(base: base)
    case .oneCycle: self = .oneCycle(peak: base, warmUp: 0.3)
    case .plateau: self = .plateau(base: base, factor: factor)
    }
  }
}
