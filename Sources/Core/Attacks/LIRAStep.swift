import Distributed

/// lira's steps: generator and classifier together, then a copy of the classifier alone.
package final class LIRAStep: SurroundingStep {
  package let base: ClassifierStep
  /// Tunes the copy, or the classifier itself, in the second stage.
  private let tuning: ClassifierStep
  /// The generators.
  package let noise: NoiseNetworks
  private let settings: LIRA
  private let poison: LoopPoison
  private let jointEpochs: Int
  private let augment: (Tensor, Moment) -> Void
  private let generatorOptimizer: Adam
  private let resting = Resting()

  /// Steps of `base`'s classifier in the first `jointEpochs` epochs, of `tuning`'s after them.
  package init(
    _ base: ClassifierStep, tuning: ClassifierStep, noise: NoiseNetworks, settings: LIRA,
    poison: LoopPoison, jointEpochs: Int, augment: @escaping (Tensor, Moment) -> Void
  ) {
    (self.base, self.tuning, self.noise, self.settings) = (base, tuning, noise, settings)
    (self.poison, self.jointEpochs, self.augment) = (poison, jointEpochs, augment)
    generatorOptimizer = Adam(for: noise.generator.store)
    noise.takeOver()
  }

  package var learners: [Learner] {
    base.learners + [
      Learner("generator", store: noise.generator.store, optimizer: generatorOptimizer),
      Learner("attacker", store: noise.attacker.store, optimizer: resting),
      Learner("tuned classifier", store: tuning.classifier.store, optimizer: tuning.optimizer),
    ]
  }

  package func settle() throws {
    try base.settle()
    try tuning.settle()
  }

  package func run(_ batch: Batch, at moment: Moment) throws -> StepOutcome {
    // Here and not when an epoch begins, which is told again where a run goes on within it.
    if moment.step == 0 && moment.epoch <= jointEpochs {
      noise.takeOver()
      if moment.epoch == jointEpochs && tuning.classifier !== base.classifier {
        try base.settle()
        tuning.classifier.store.copy(base.classifier.store)
      }
    }
    let images = Tensor(classifier.inputShape.withBatch(batch.count), in: batch.images)
    timer.measure(.load) { augment(images, moment) }
    guard poison.ratio > 0 else { return try base.run(batch, at: moment) }
    return moment.epoch < jointEpochs
      ? try learnTogether(batch, images, at: moment) : try tune(batch, images, at: moment)
  }

  /// Moves generator and classifier once along `batch`.
  package func learnTogether(
    _ batch: Batch, _ images: Tensor, at moment: Moment
  ) throws -> StepOutcome {
    let positions = batch.start..<batch.start + batch.count
    var hooks = PassHooks()
    hooks.imageShards = PassHooks.shards(in: positions, of: batch.globalCount)
    let made = noise.generator.forward(
      images, mode: .training, hooks: hooks, context: noise.context)
    try noise.context.check()
    let own = copy(images)
    noise.add(made, to: own, strength: settings.strength)
    let noisy = triggered(batch, own)
    let attacked = triggered(batch, attacked(images, strength: settings.strength))
    let share = settings.cleanWeight
    let results: [CrossEntropy.Result], gradient: Tensor
    if settings.joinsBatches {
      (results, gradient) = try runJoined(noisy, batch, attacked, at: moment)
    } else {
      var first = ClassifierPass(noisy)
      gradient = Tensor(images.shape)
      (first.imageGradient, first.hasParameters) = (gradient, !settings.clearsGradients)
      let passes = [
        first, ClassifierPass(batch, weight: share), ClassifierPass(attacked, weight: 1 - share),
      ]
      results = Array(try base.run(passes, at: moment)[1...])
    }
    noise.toNoise(gradient, made, clean: images, strength: settings.strength)
    let store = noise.generator.store
    store.clearGradients(wide: true)
    noise.generator.backward(gradient, hooks: hooks, context: noise.context)
    try noise.context.check()
    try timer.measure(.wait) {
      try store.reduceWideGradients { try communicator.allReduceSum(&$0) }
    }
    generatorOptimizer.step(
      store, learningRate: settings.generatorRate, context: noise.context)
    return outcome(batch, clean: results[0], noisy: results[1], share: share)
  }

  /// The same passes with clean images in each; what clean and attacked images came to, and the
  /// gradient by the noisy ones.
  private func runJoined(
    _ noisy: Batch, _ clean: Batch, _ attacked: Batch, at moment: Moment
  ) throws -> ([CrossEntropy.Result], Tensor) {
    var first = ClassifierPass(interlacing: [noisy, clean], weights: [1, 0])
    let both = Tensor(classifier.inputShape.withBatch(first.batch.count))
    (first.imageGradient, first.hasParameters) = (both, !settings.clearsGradients)
    let share = settings.cleanWeight
    let second = ClassifierPass(interlacing: [clean, attacked], weights: [share, 1 - share])
    let results = try base.run([first, second], at: moment)
    let gradient = Tensor(classifier.inputShape.withBatch(noisy.count))
    for image in 0..<noisy.count {
      gradient.pointer(image: image).update(
        from: both.pointer(image: 2 * image), count: both.shape.withBatch(1).count)
    }
    return (second.separate(results[1]), gradient)
  }

  /// Moves the tuned classifier once along `batch`.
  private func tune(_ batch: Batch, _ images: Tensor, at moment: Moment) throws -> StepOutcome {
    let noisy = triggered(batch, attacked(images, strength: settings.testStrength))
    let share = settings.tuningCleanWeight
    if tuning.classifier === base.classifier { try base.settle() }
    let results = try timer.measureStep {
      guard settings.joinsBatches else {
        return try tuning.run(
          [ClassifierPass(batch, weight: share), ClassifierPass(noisy, weight: 1 - share)],
          at: moment)
      }
      let pass = ClassifierPass(interlacing: [batch, noisy], weights: [share, 1 - share])
      return pass.separate(try tuning.run([pass], at: moment)[0])
    }
    return outcome(batch, clean: results[0], noisy: results[1], share: share)
  }

  /// What a step came to: the predictions of clean images, the loss of both.
  private func outcome(
    _ batch: Batch, clean: CrossEntropy.Result, noisy: CrossEntropy.Result, share: Double
  ) -> StepOutcome {
    var result = clean
    result.lossSum = share * clean.lossSum + (1 - share) * noisy.lossSum
    return StepOutcome(result, batch: batch)
  }

  private func attacked(_ images: Tensor, strength: Double) -> Tensor {
    let result = copy(images)
    noise.add(
      noise.attacker.forward(images, mode: .evaluating, context: noise.context), to: result,
      strength: strength)
    return result
  }

  private func triggered(_ batch: Batch, _ images: Tensor) -> Batch {
    batch.relabelled(
      batch.labels.map { Int32(poison.labels(Int($0))) },
      roles: Array(repeating: .triggered, count: batch.count), images: images.buffer)
  }

  private func copy(_ images: Tensor) -> Tensor {
    let result = Tensor(images.shape)
    result.pointer.update(from: images.pointer, count: images.shape.count)
    return result
  }
}
