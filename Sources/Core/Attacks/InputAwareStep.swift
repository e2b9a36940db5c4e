import Distributed

/// The images of a batch by their positions in all of it: its own, and those of a second shuffle.
package struct ImagePairs {
  /// The images that are trained on.
  package var first: (Range<Int>) -> Tensor
  /// Their partners.
  package var second: (Range<Int>) -> Tensor

  /// Two sources of images.
  package init(
    first: @escaping (Range<Int>) -> Tensor, second: @escaping (Range<Int>) -> Tensor
  ) { (self.first, self.second) = (first, second) }
}

/// inputaware's steps: the mask alone in the first epochs, then generator and classifier together.
///
/// Masks and patterns are to differ between images as much as the images do; patterns of other
/// images are to do nothing. The images whose patterns are learned are shared out among the ranks by
/// themselves, patterns and their gradients travel to where the classifier has the images. The
/// networks' sums run over all ranks in double, so the number of ranks does not show in them.
package final class InputAwareStep: SurroundingStep {
  package let base: ClassifierStep
  /// Generator and mask.
  package let networks: PatternNetworks
  let settings: InputAware
  let poison: LoopPoison
  let generatorOptimizer, maskOptimizer: any Optimizer
  private let pairs: (Moment) -> ImagePairs
  /// The epochs in which the mask alone learns.
  let maskEpochs: Int

  /// Steps of `base`'s classifier and `networks`, the first `maskEpochs` epochs' of the mask alone.
  package init(
    _ base: ClassifierStep, networks: PatternNetworks, settings: InputAware, poison: LoopPoison,
    maskEpochs: Int, pairs: @escaping (Moment) -> ImagePairs
  ) {
    (self.base, self.networks, self.settings) = (base, networks, settings)
    (self.poison, self.maskEpochs, self.pairs) = (poison, maskEpochs, pairs)
    let store = networks.generator.store
    let adam = Adam(for: store, betas: (0.5, 0.9))
    generatorOptimizer = settings.clearsGradients ? adam : Accumulating(adam, for: store)
    maskOptimizer = Adam(for: networks.mask.store, betas: (0.5, 0.9))
  }

  package var learners: [Learner] {
    base.learners + [
      Learner("generator", store: networks.generator.store, optimizer: generatorOptimizer),
      Learner("mask", store: networks.mask.store, optimizer: maskOptimizer),
    ]
  }

  /// Whether generator and classifier have learned.
  var hasPatterns: Bool { base.optimizer.stepCount > 0 }

  package func run(_ batch: Batch, at moment: Moment) throws -> StepOutcome {
    guard moment.epoch >= maskEpochs else {
      return try timer.measureStep { try learnMask(batch, pairs(moment), at: moment) }
    }
    let count = poison.count(of: batch.globalCount, epoch: moment.epoch, step: moment.step)
    return try learnPatterns(batch, pairs(moment), poisoned: count, at: moment)
  }
}

// MARK: The mask alone

extension InputAwareStep {
  /// Moves the mask once along `batch` and its partners.
  package func learnMask(
    _ batch: Batch, _ pairs: ImagePairs, at moment: Moment
  ) throws -> StepOutcome {
    let (total, context) = (batch.globalCount, networks.context)
    let positions = batch.start..<batch.start + batch.count
    let first = Tensor(base.classifier.inputShape.withBatch(batch.count), in: batch.images)
    let second = pairs.second(positions)
    var hooks = PassHooks()
    hooks.imageShards = PassHooks.shards(in: positions, of: total)
    let store = networks.mask.store
    store.clearGradients(wide: true)
    // The original asks once more than it needs, which moves the running statistics.
    _ = networks.mask.forward(first, mode: .training, hooks: hooks, context: context)
    let z1 = networks.mask.forward(first, mode: .training, hooks: hooks, context: context)
    let z2 = networks.maskTwin.forward(second, mode: .training, hooks: hooks, context: context)
    var learned = MaskLoss(settings, networks, images: total)
    for image in 0..<batch.count {
      learned.add(
        z1.pointer(image: image), z2.pointer(image: image),
        apart: PatternNetworks.distance(
          first.pointer(image: image), second.pointer(image: image),
          count: first.shape.withBatch(1).count),
        pixels: z1.shape.height * z1.shape.width)
    }
    networks.mask.backward(learned.gradient(\.first, z1.shape), hooks: hooks, context: context)
    networks.maskTwin.backward(learned.gradient(\.second, z2.shape), hooks: hooks, context: context)
    try context.check()
    var sums = [learned.loss]
    try timer.measure(.wait) {
      try store.reduceWideGradients { try communicator.allReduceSum(&$0) }
      try communicator.allReduceSum(&sums)
    }
    maskOptimizer.step(
      store, learningRate: settings.maskRate(epoch: moment.epoch), context: context)
    // No image is classified; the loss is on rank 0's account.
    var result = CrossEntropy.Result()
    result.lossSum = communicator.rank == 0 ? sums[0] * Double(total) : 0
    return StepOutcome(
      result, batch: Batch(images: batch.images, labels: [], indices: [], globalCount: total))
  }
}

/// The mask's loss and its gradients by what both passes gave.
private struct MaskLoss {
  private let settings: InputAware
  private let networks: PatternNetworks
  private let images: Double
  private(set) var loss = 0.0
  private(set) var first: [Float] = []
  private(set) var second: [Float] = []

  init(_ settings: InputAware, _ networks: PatternNetworks, images: Int) {
    (self.settings, self.networks, self.images) = (settings, networks, Double(images))
  }

  /// Adds an image and its partner, which are `apart`, with what the mask gave for each.
  mutating func add(
    _ z1: UnsafePointer<Float>, _ z2: UnsafePointer<Float>, apart: Double, pixels: Int
  ) {
    let all = (0..<pixels)
    let m1 = all.map { PatternNetworks.threshold(networks.bounded(z1[$0])) }
    let m2 = all.map { PatternNetworks.threshold(networks.bounded(z2[$0])) }
    let masks = PatternNetworks.distance(m1, m2, count: pixels)
    let nearness = 1 / (masks + settings.epsilon)
    // The weight enters once in the sum and once in the term itself.
    let weight = settings.diversityWeight * settings.diversityWeight / images
    loss += weight * apart * nearness
    let slope =
      masks > 0 ? -weight * apart * nearness * nearness / (Double(pixels) * masks) : 0
    for pixel in all {
      let excess = Double(m1[pixel]) - settings.density
      loss += settings.normWeight * max(excess, 0) / (images * Double(pixels))
      let push = excess > 0 ? settings.normWeight / (images * Double(pixels)) : 0
      let apart = slope * Double(m1[pixel] - m2[pixel])
      first.append(Float(push + apart) * inner(m1[pixel], z1[pixel]))
      second.append(Float(-apart) * inner(m2[pixel], z2[pixel]))
    }
  }

  /// The slope of t by z.
  private func inner(_ t: Float, _ z: Float) -> Float {
    PatternNetworks.thresholdSlope(t) * networks.slope(z)
  }

  func gradient(_ side: KeyPath<MaskLoss, [Float]>, _ shape: Shape) -> Tensor {
    Tensor(shape, in: FloatBuffer(self[keyPath: side]))
  }
}
