import Distributed

/// A step that finds what fools the network and the attacked one alike, and unlearns it.
///
/// Search: every pixel value of x starts at +extent, and moves against the sign of the gradient of
/// β₁ Adv + β₂ Js (`SharedExamples`), clipped to ±extent but not to the image's range. Then, with r
/// the class that the attacked network gives x', L = λ₁ CE(x) + λ₂ CE(x') + λ₃ Ls, where Ls counts
/// the images whose r is neither their label nor what the attacked network says of x.
package final class SharedAdversarialStep: TrainingStep {
  package let classifier: Network
  package let communicator: any Communicator
  package let context: ComputeContext
  package let timer = StepTimer()
  private let optimizer: any Optimizer
  private let settings: SharedAdversarialUnlearning
  /// What a change of 1 in a pixel value is in the network's input, by channel.
  private let scales: [Float]
  private let current: SharedPasses
  private let attacked: SharedPasses

  /// The losses of the last search, this rank's part.
  package private(set) var searchLosses: [Double] = []

  /// A step of `network` by `optimizer`; `attacked` stays as it is.
  package init(
    _ network: Network, attacked: Network, settings: SharedAdversarialUnlearning,
    normalization: Normalization, optimizer: any Optimizer, communicator: any Communicator,
    context: ComputeContext
  ) {
    (classifier, self.settings, self.optimizer) = (network, settings, optimizer)
    (self.communicator, self.context) = (communicator, context)
    scales = normalization.standardDeviation.map { 1 / $0 }
    current = SharedPasses(network, communicator: communicator, context: context)
    self.attacked = SharedPasses(attacked, communicator: communicator, context: context)
  }

  package var learners: [Learner] {
    [Learner("classifier", store: classifier.store, optimizer: optimizer)]
  }

  package func run(_ batch: Batch, at moment: Moment) throws -> StepOutcome {
    try timer.measureStep {
      let cleanAttacked = try classesOfAttacked(batch, at: moment)
      let change = try search(batch, cleanAttacked: cleanAttacked, at: moment)
      return try unlearn(change, batch, cleanAttacked: cleanAttacked, at: moment)
    }
  }

  /// The change of pixel values that the search ends with: [N, H, W, C], 0...1 being the range.
  ///
  /// `cleanAttacked` are the classes that the attacked network gives the images as they are.
  package func search(
    _ batch: Batch, cleanAttacked: [Int], at moment: Moment
  ) throws -> [Float] {
    let extent = Float(settings.extent)
    let shape = classifier.inputShape.withBatch(batch.count)
    var change = [Float](repeating: extent, count: shape.count)
    let clean = try classes(current, batch, at: moment)
    let (gradient, attackedGradient) = (Tensor(shape), Tensor(shape))
    searchLosses = []
    for _ in 0..<settings.moves {
      let images = changed(batch, by: change)
      let examples = SharedExamples(
        try answer(current, batch, images, mode: .differentiatingImages, at: moment),
        try answer(attacked, batch, images, mode: .differentiatingImages, at: moment), clean: clean,
        cleanAttacked: cleanAttacked, batch: batch, settings: settings)
      searchLosses.append(examples.loss)
      try timer.measure(.backward) {
        try current.backward(
          examples.gradient, of: batch, reach: .images(gradient), at: moment)
        try attacked.backward(
          examples.attackedGradient, of: batch, reach: .images(attackedGradient), at: moment)
      }
      let length = Float(settings.length)
      for place in change.indices {
        let slope = gradient.pointer[place] + attackedGradient.pointer[place]
        let move: Float = slope > 0 ? -length : slope < 0 ? length : 0
        change[place] = min(max(change[place] + move, -extent), extent)
      }
      var left = [Int64(batch.count - examples.sharedCount)]
      try communicator.allReduceSum(&left)
      if left[0] == 0 { break }
    }
    return change
  }

  /// The steps of the network along `batch` and the same images with `change`; what the last comes
  /// to before it.
  package func unlearn(
    _ change: [Float], _ batch: Batch, cleanAttacked: [Int], at moment: Moment
  ) throws -> StepOutcome {
    let images = changed(batch, by: change)
    let references = try classes(attacked, batch, images, at: moment)
    var outcome = StepOutcome(CrossEntropy.Result(), batch: batch)
    for _ in 0..<settings.outerSteps {
      current.clearGradients()
      outcome.crossEntropy = try cleanGradients(batch, at: moment)
      let unlearning = UnlearningLoss(
        try answer(current, batch, images, at: moment), references: references,
        cleanClasses: cleanAttacked, batch: batch, settings: settings)
      try timer.measure(.backward) {
        try current.backward(unlearning.gradient, of: batch, at: moment)
      }
      try timer.measure(.wait) {
        try current.sumGradients()
        var penalty = [unlearning.loss]
        try communicator.allReduceSum(&penalty)
        outcome.penalty = penalty[0]
      }
      timer.measure(.update) {
        optimizer.step(
          classifier.store, learningRate: moment.learningRate, context: context)
      }
    }
    return outcome
  }

  /// Adds the gradients of λ₁ CE(x).
  private func cleanGradients(_ batch: Batch, at moment: Moment) throws -> CrossEntropy.Result {
    let logits = try answer(current, batch, at: moment)
    let gradient = Tensor(logits.shape)
    var result = CrossEntropy().evaluate(
      logits, labels: batch.labels, globalCount: batch.globalCount, gradient: gradient)
    for place in 0..<gradient.shape.count {
      gradient.pointer[place] *= Float(settings.cleanWeight)
    }
    result.lossSum *= settings.cleanWeight
    try timer.measure(.backward) { try current.backward(gradient, of: batch, at: moment) }
    return result
  }

  /// The classes that the attacked network gives the images of `batch`.
  package func classesOfAttacked(_ batch: Batch, at moment: Moment) throws -> [Int] {
    try classes(attacked, batch, at: moment)
  }

  private func classes(
    _ passes: SharedPasses, _ batch: Batch, _ images: FloatBuffer? = nil, at moment: Moment
  ) throws -> [Int] {
    try timer.measure(.forward) {
      Classes.of(try passes.forward(batch, images: images, mode: .evaluating, at: moment))
    }
  }

  private func answer(
    _ passes: SharedPasses, _ batch: Batch, _ images: FloatBuffer? = nil,
    mode: PassMode = .differentiating, at moment: Moment
  ) throws -> Tensor {
    try timer.measure(.forward) {
      try passes.forward(batch, images: images, mode: mode, at: moment)
    }
  }

  private func changed(_ batch: Batch, by change: [Float]) -> FloatBuffer {
    let images = FloatBuffer(count: change.count)
    let channels = scales.count
    for place in change.indices {
      images.pointer[place] = batch.images.pointer[place] + change[place] * scales[place % channels]
    }
    return images
  }
}
