import Distributed

/// A step along the gradient at weights that are first moved towards the attacked model's.
///
/// D = w_attacked - w over all parameters, e = ρ D / (‖D‖ + 1e-12). The gradient of CE is that at
/// w + e, where running statistics move too; then w is put back, and the optimizer steps from there.
/// The first step is a plain one. int(share B + 1) of the batch's images get a reversed trigger and keep
/// their labels.
package final class PathAwareStep: TrainingStep {
  package let classifier: Network
  package let communicator: any Communicator
  package let context: ComputeContext
  package let timer = StepTimer()
  private let optimizer: any Optimizer
  private let settings: PathAwareMinimization
  private let attacked: [Float]
  private let triggers: [ReversedTrigger]
  private let normalization: Normalization
  private let passes: SharedPasses
  /// ‖D‖ in the last step.
  package private(set) var distance = 0.0

  /// A step of `network` by `optimizer`; `attacked` are the attacked model's parameters.
  package init(
    _ network: Network, attacked: [Float], triggers: [ReversedTrigger],
    settings: PathAwareMinimization, normalization: Normalization, optimizer: any Optimizer,
    communicator: any Communicator, context: ComputeContext
  ) {
    (classifier, self.attacked, self.triggers) = (network, attacked, triggers)
    (self.settings, self.normalization) = (settings, normalization)
    (self.optimizer, self.communicator, self.context) = (optimizer, communicator, context)
    passes = SharedPasses(network, communicator: communicator, context: context)
  }

  package var learners: [Learner] {
    [Learner("classifier", store: classifier.store, optimizer: optimizer)]
  }

  package func run(_ batch: Batch, at moment: Moment) throws -> StepOutcome {
    let count = Int(settings.share * Double(batch.globalCount) + 1)
    let positions = batch.drawn(
      count, seed: moment.seed, epoch: moment.epoch, step: moment.step)
    return try run(batch, images: stamped(batch, at: positions), at: moment)
  }

  /// The same with `images` in the place of the batch's own.
  package func run(
    _ batch: Batch, images: FloatBuffer, at moment: Moment
  ) throws -> StepOutcome {
    try timer.measureStep {
      let before = classifier.store.values.array
      moveBack(from: before)
      passes.clearGradients()
      let logits = try timer.measure(.forward) {
        try passes.forward(batch, images: images, at: moment)
      }
      let gradient = Tensor(logits.shape)
      let result = CrossEntropy().evaluate(
        logits, labels: batch.labels, globalCount: batch.globalCount, gradient: gradient)
      try timer.measure(.backward) { try passes.backward(gradient, of: batch, at: moment) }
      try timer.measure(.wait) { try passes.sumGradients() }
      classifier.store.values.pointer.update(from: before, count: before.count)
      timer.measure(.update) {
        optimizer.step(
          classifier.store, learningRate: moment.learningRate, context: context)
      }
      return StepOutcome(result, batch: batch)
    }
  }

  /// w += e, given w.
  private func moveBack(from before: [Float]) {
    var squares = 0.0
    for place in before.indices {
      let difference = Double(attacked[place] - before[place])
      squares += difference * difference
    }
    distance = squares.squareRoot()
    let factor = Float(settings.radius / (distance + 1e-12))
    for place in before.indices {
      classifier.store.values.pointer[place] += factor * (attacked[place] - before[place])
    }
  }

  private func stamped(_ batch: Batch, at positions: [Int]) -> FloatBuffer {
    let size = classifier.inputShape.withBatch(1).count
    let channels = classifier.inputShape.channels
    let images = FloatBuffer(count: batch.count * size)
    images.pointer.update(from: batch.images.pointer, count: images.count)
    for position in positions where !triggers.isEmpty {
      let trigger = triggers[(batch.start + position) % triggers.count]
      for place in 0..<size {
        let channel = place % channels
        let share = trigger.mask[place / channels]
        let value =
          (trigger.pattern[place] - normalization.mean[channel])
          / normalization.standardDeviation[channel]
        images.pointer[position * size + place] =
          (1 - share) * images.pointer[position * size + place] + share * value
      }
    }
    return images
  }
}
