import Distributed
import Foundation

/// A step of qra's noise: the purified network is to answer as the retuned one does without noise, and
/// a clean network is to see the image's class all the same.
///
/// L = α KL(softmax retuned(x) ‖ softmax purified(x')) + CE(clean(x'), y), means over the batch. All
/// three networks answer as in evaluation, and stay.
package final class ReactivationStep: TrainingStep {
  package let classifier: Network
  package let communicator: any Communicator
  package let context: ComputeContext
  package let timer = StepTimer()
  /// The noise.
  package let noise: ReactivationNoise
  private let weight: Double
  private let optimizer: any Optimizer
  private let purified, retuned, clean: SharedPasses
  /// The mean divergence of the last step, over all ranks.
  package private(set) var divergence = 0.0

  /// A step of `noise` against these networks, by `optimizer`.
  package init(
    _ noise: ReactivationNoise, purified: Network, retuned: Network, clean: Network,
    weight: Double, optimizer: any Optimizer, communicator: any Communicator,
    context: ComputeContext
  ) {
    (self.noise, self.weight, self.optimizer) = (noise, weight, optimizer)
    (classifier, self.communicator, self.context) = (purified, communicator, context)
    func passes(_ network: Network) -> SharedPasses {
      SharedPasses(network, communicator: communicator, context: context)
    }
    (self.purified, self.retuned, self.clean) = (passes(purified), passes(retuned), passes(clean))
  }

  package var learners: [Learner] {
    [Learner("generator", store: noise.generator.store, optimizer: optimizer)]
  }

  package func run(_ batch: Batch, at moment: Moment) throws -> StepOutcome {
    try timer.measureStep {
      let store = noise.generator.store
      store.clearGradients(wide: context.sharesStatistics)
      var hooks = PassHooks()
      if context.sharesStatistics {
        hooks.imageShards = batch.shards(in: 0..<batch.count, of: communicator)
      }
      let images = Tensor(classifier.inputShape.withBatch(batch.count), in: batch.images)
      let wanted = Classes.probabilities(
        try retuned.forward(batch, mode: .evaluating, at: moment))
      let changed = noise.apply(to: images, mode: .training, hooks: hooks)
      let (gradient, divergence) = try pull(changed, to: wanted, batch, at: moment)
      let (cleanGradient, result) = try keep(changed, batch, at: moment)
      for place in 0..<gradient.shape.count {
        gradient.pointer[place] += cleanGradient.pointer[place]
      }
      timer.measure(.backward) { noise.backward(gradient, hooks: hooks) }
      try timer.measure(.wait) { try sumGradients(of: store) }
      timer.measure(.update) {
        optimizer.step(store, learningRate: moment.learningRate, context: context)
      }
      var sums = [divergence]
      try communicator.allReduceSum(&sums)
      self.divergence = sums[0]
      return StepOutcome(result, penalty: weight * sums[0], batch: batch)
    }
  }

  /// The gradient by `changed` images of the divergence from what is `wanted`, weighted, and this
  /// rank's part of the divergence.
  private func pull(
    _ changed: Tensor, to wanted: [[Double]], _ batch: Batch, at moment: Moment
  ) throws -> (Tensor, Double) {
    let logits = try purified.forward(
      batch, images: changed.buffer, mode: .differentiatingImages, at: moment)
    let slopes = Tensor(logits.shape)
    var divergence = 0.0
    for (image, q) in Classes.probabilities(logits).enumerated() {
      let p = wanted[image]
      for k in q.indices {
        if p[k] > 0 {
          divergence += p[k] * (log(p[k]) - log(max(q[k], .leastNormalMagnitude)))
        }
        slopes.pointer[image * q.count + k] = Float(
          weight * (q[k] - p[k]) / Double(batch.globalCount))
      }
    }
    let gradient = Tensor(changed.shape)
    try purified.backward(slopes, of: batch, reach: .images(gradient), at: moment)
    return (gradient, divergence / Double(batch.globalCount))
  }

  /// The gradient by `changed` images of the clean network's cross-entropy, and what that is.
  private func keep(
    _ changed: Tensor, _ batch: Batch, at moment: Moment
  ) throws -> (Tensor, CrossEntropy.Result) {
    let logits = try clean.forward(
      batch, images: changed.buffer, mode: .differentiatingImages, at: moment)
    let slopes = Tensor(logits.shape)
    let result = CrossEntropy().evaluate(
      logits, labels: batch.labels, globalCount: batch.globalCount, gradient: slopes)
    let gradient = Tensor(changed.shape)
    try clean.backward(slopes, of: batch, reach: .images(gradient), at: moment)
    return (gradient, result)
  }

  private func sumGradients(of store: ParameterStore) throws {
    if context.sharesStatistics {
      try store.reduceWideGradients { try communicator.allReduceSum(&$0) }
    } else if communicator.worldSize > 1 {
      try communicator.allReduceSum(store.gradients.floats)
    }
  }
}
