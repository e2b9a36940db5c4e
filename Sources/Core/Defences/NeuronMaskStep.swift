import Distributed

/// A step of masks on channels, in batch statistics, which leaves the network's own weights alone.
///
/// loss = natural CE + robust CE with noise; the noise is drawn, then moved up CE's gradient by signs.
/// m moves along the loss's gradient and stays in 0...1. Running statistics stay: nothing reads them
/// in such passes.
package final class NeuronMaskStep: TrainingStep {
  /// The loss.
  package struct Objective {
    /// The weight of the cross-entropy without noise.
    package var natural: Double
    /// The weight of that with noise.
    package var robust = 0.0
    /// The extent of the noise as drawn, and of all its moves together.
    package var extent = 0.0
    /// Its moves.
    package var moves = 0

    /// A loss without noise.
    package init(natural: Double) { self.natural = natural }

    /// α natural + (1 - α) robust.
    package init(alpha: Double, extent: Double, moves: Int) {
      (natural, robust, self.extent, self.moves) = (alpha, 1 - alpha, extent, moves)
    }
  }

  package let masks: NeuronMasks
  package let communicator: any Communicator
  package let context: ComputeContext
  package let timer = StepTimer()
  private let objective: Objective
  private let optimizer: any Optimizer
  private let passes: SharedPasses

  /// A step of `masks` by `optimizer`.
  package init(
    _ masks: NeuronMasks, _ objective: Objective, optimizer: any Optimizer,
    communicator: any Communicator, context: ComputeContext
  ) {
    (self.masks, self.objective, self.optimizer) = (masks, objective, optimizer)
    (self.communicator, self.context) = (communicator, context)
    passes = SharedPasses(masks.network, communicator: communicator, context: context)
  }

  package var classifier: Network { masks.network }
  package var learners: [Learner] {
    [
      Learner("classifier", store: classifier.store, optimizer: Resting()),
      Learner("masks", store: masks.store, optimizer: optimizer),
    ]
  }

  package func run(_ batch: Batch, at moment: Moment) throws -> StepOutcome {
    try timer.measureStep {
      guard objective.robust != 0 else { return try move(batch, noise: nil, at: moment) }
      let stream = RandomStream(
        seed: moment.seed, purpose: .neuronNoise, epoch: moment.epoch, index: moment.step)
      var noise = NeuronNoise(masks.layers, extent: objective.extent, stream: stream)
      for _ in 0..<objective.moves { _ = try raise(&noise, batch, at: moment) }
      return try move(batch, noise: noise, at: moment)
    }
  }

  /// What a pass came to: the sum of this rank's losses, and the gradients by n and b.
  package typealias Pass = (result: CrossEntropy.Result, scale: [Float], shift: [Float])

  /// Moves `noise` once up the cross-entropy, by signs; what the pass before came to.
  package func raise(_ noise: inout NeuronNoise, _ batch: Batch, at moment: Moment) throws -> Pass {
    let pass = try pass(batch, noise, at: moment)
    let length = Float(objective.extent / Double(max(objective.moves, 1)))
    func sign(_ value: Float) -> Float { value > 0 ? 1 : value < 0 ? -1 : 0 }
    for channel in 0..<masks.count {
      noise.scale[channel] += length * sign(pass.scale[channel])
      noise.shift[channel] += length * sign(pass.shift[channel])
    }
    return pass
  }

  /// Moves the masks once; without noise the natural loss is all there is.
  ///
  /// The loss is the outcome's; m's gradient stays in the masks' store.
  package func move(
    _ batch: Batch, noise: NeuronNoise?, at moment: Moment
  ) throws -> StepOutcome {
    let gradient = masks.store.gradients
    gradient.clear()
    var loss = 0.0
    if let noise {
      let pass = try pass(batch, noise, at: moment)
      add(pass.scale, by: objective.robust, to: gradient)
      loss = objective.robust * pass.result.lossSum
    }
    var pass = try pass(batch, nil, at: moment)
    add(pass.scale, by: objective.natural, to: gradient)
    pass.result.lossSum = loss + objective.natural * pass.result.lossSum
    timer.measure(.update) {
      optimizer.step(masks.store, learningRate: moment.learningRate, context: context)
      masks.clip()
    }
    return StepOutcome(pass.result, batch: batch)
  }

  private func add(_ values: [Float], by factor: Double, to gradient: FloatBuffer) {
    for (place, value) in values.enumerated() {
      gradient.pointer[place] += Float(factor) * value
    }
  }

  private func pass(_ batch: Batch, _ noise: NeuronNoise?, at moment: Moment) throws -> Pass {
    masks.apply(noise)
    passes.clearGradients()
    let (result, gradient) = try timer.measure(.forward) {
      let logits = try passes.forward(batch, statistics: .stay, at: moment)
      let gradient = Tensor(logits.shape)
      let result = CrossEntropy().evaluate(
        logits, labels: batch.labels, globalCount: batch.globalCount, gradient: gradient)
      return (result, gradient)
    }
    try timer.measure(.backward) {
      try passes.backward(gradient, of: batch, reach: .normalizations, at: moment)
    }
    let (scale, shift) = try timer.measure(.wait) { try masks.gradients(passes) }
    return (result, scale, shift)
  }
}
