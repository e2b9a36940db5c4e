import Distributed

/// A classifier's step against a discriminator of its features, which learns beside it.
///
/// The classifier moves along CE - ratio BCE, where BCE is what the discriminator comes to when it
/// tells poisoned images by their features: the better it does, the more the features are pushed
/// together. The discriminator moves along BCE of the same features, which it is asked about twice,
/// as in the original: its running statistics move twice.
package final class BypassStep: SurroundingStep {
  package let base: ClassifierStep
  private let discriminator: FeatureDiscriminator
  private let optimizer: SGD
  private let ratio: Double
  /// The discriminator's learning rate.
  private static let learningRate = 0.001

  /// `base` against `discriminator`, whose loss counts `ratio` times.
  package init(_ base: ClassifierStep, discriminator: FeatureDiscriminator, ratio: Double) {
    (self.base, self.discriminator, self.ratio) = (base, discriminator, ratio)
    optimizer = SGD(for: discriminator.store, momentum: 0.9, weightDecay: 0)
  }

  package var learners: [Learner] {
    base.learners + [Learner("discriminator", store: discriminator.store, optimizer: optimizer)]
  }

  package func run(_ batch: Batch, at moment: Moment) throws -> StepOutcome {
    let store = discriminator.store
    let tracked = store.batchesTracked
    store.clearGradients(wide: context.sharesStatistics)
    var losses = [0.0]
    var pass = ClassifierPass(batch)
    pass.featureGradient = { [self] features, images in
      var hooks = PassHooks()
      if context.sharesStatistics {
        hooks.imageShards = batch.shards(in: images, of: communicator)
      }
      let judged = discriminator.judge(
        features, isPoisoned: images.map { batch.roles[$0] == .triggered },
        globalCount: batch.globalCount, passes: 2, hooks: hooks, context: context)
      losses[0] += judged.lossSum
      let (gradient, factor) = (judged.featureGradient, Float(-ratio))
      for place in 0..<gradient.shape.count { gradient.pointer[place] *= factor }
      return gradient
    }
    let result = try base.run([pass], at: moment)[0]
    store.batchesTracked = tracked.map { $0 + Int64(2 * base.accumulationSteps) }
    try timer.measure(.wait) { try sum(&losses, of: batch) }
    timer.measure(.update) {
      optimizer.step(store, learningRate: Self.learningRate, context: context)
    }
    return StepOutcome(
      result, penalty: -ratio * losses[0] / Double(batch.globalCount), batch: batch)
  }

  /// Joins losses, gradients and running statistics over the ranks, as the classifier's are.
  private func sum(_ losses: inout [Double], of batch: Batch) throws {
    let store = discriminator.store
    try communicator.allReduceSum(&losses)
    if context.sharesStatistics {
      try store.reduceWideGradients { try communicator.allReduceSum(&$0) }
    } else if communicator.worldSize > 1 {
      let share = Float(Double(batch.count) / Double(batch.globalCount))
      for place in 0..<store.buffers.count { store.buffers.pointer[place] *= share }
      try communicator.allReduceSum(store.buffers.floats)
      try communicator.allReduceSum(store.gradients.floats)
    }
  }
}
