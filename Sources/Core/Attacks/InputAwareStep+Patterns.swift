import Distributed

extension InputAwareStep {
  /// Moves classifier and generator once along `batch`, of which the first images are poisoned by
  /// their own patterns, and as many after them get their partners'.
  package func learnPatterns(
    _ batch: Batch, _ pairs: ImagePairs, poisoned count: Int, at moment: Moment
  ) throws -> StepOutcome {
    let parts = BatchParts(triggered: count, cross: count)
    let shares = PatternShares(
      batch, count: count, imageSize: classifier.inputShape.withBatch(1).count,
      communicator: communicator)
    let learning = try count > 0 ? timer.measure(.load) { try makePatterns(pairs, shares) } : nil
    let t = learning.map { put($0, into: batch, pairs, parts, shares) } ?? []
    let marked = poison.marking(batch, parts)
    var pass = ClassifierPass(marked)
    let gradient = Tensor(classifier.inputShape.withBatch(batch.count))
    pass.imageGradient = learning == nil ? nil : gradient
    let result = try base.run([pass], at: moment)[0]
    var outcome = StepOutcome(result, batch: marked)
    let store = networks.generator.store
    store.clearGradients(wide: true)
    if let learning {
      outcome.penalty = try learn(learning, from: gradient, t, shares)
      try networks.context.check()
      try timer.measure(.wait) {
        try store.reduceWideGradients { try communicator.allReduceSum(&$0) }
      }
    }
    // Gradients that are never cleared move it on, also where nothing is poisoned.
    if learning != nil || !settings.clearsGradients {
      generatorOptimizer.step(
        store, learningRate: settings.generatorRate(epoch: moment.epoch - maskEpochs),
        context: networks.context)
    }
    return outcome
  }

  /// Asks the generator for this rank's share of the patterns, of the poisoned images and of the
  /// partners, and gathers all ranks'.
  private func makePatterns(
    _ pairs: ImagePairs, _ shares: PatternShares
  ) throws -> PatternLearning {
    let (count, own) = (shares.count, shares.own)
    let first = pairs.first(own)
    let second = pairs.second(count + own.lowerBound..<count + own.upperBound)
    var hooks = PassHooks()
    hooks.imageShards = PassHooks.shards(in: own, of: count)
    let z1 = networks.generator.forward(
      first, mode: .training, hooks: hooks, context: networks.context)
    let z2 = networks.generatorTwin.forward(
      second, mode: .training, hooks: hooks, context: networks.context)
    try networks.context.check()
    let size = shares.imageSize
    let all = FloatBuffer(count: 2 * count * size)
    for (start, z) in [(0, z1), (count, z2)] {
      let patterns = networks.patterns(z)
      (all.pointer + (start + own.lowerBound) * size).update(from: patterns, count: patterns.count)
      try communicator.allGather(shares.slices(from: start), in: all.bytes)
    }
    return PatternLearning(
      hooks: hooks, images: (first, second), z: (z1, z2), patterns: all)
  }

  /// Puts the patterns into this rank's images; t of each: [changed, H, W].
  private func put(
    _ learning: PatternLearning, into batch: Batch, _ pairs: ImagePairs, _ parts: BatchParts,
    _ shares: PatternShares
  ) -> [Float] {
    let positions = batch.start..<batch.start + batch.count
    let changed = positions.clamped(to: 0..<parts.changed)
    guard !changed.isEmpty else { return [] }
    let cross = changed.clamped(to: parts.triggered..<parts.changed)
    let size = shares.imageSize
    let asked = Tensor(classifier.inputShape.withBatch(changed.count))
    asked.pointer.update(from: batch.images.pointer, count: changed.count * size)
    if !cross.isEmpty {
      let partners = pairs.second(cross)
      withExtendedLifetime(partners) {
        asked.pointer(image: cross.lowerBound - changed.lowerBound)
          .update(from: partners.pointer, count: cross.count * size)
      }
    }
    let t = networks.thresholds(
      networks.mask.forward(asked, mode: .evaluating, context: networks.context))
    let start = learning.patterns.pointer + changed.lowerBound * size
    PatternNetworks.mix(
      batch.images.pointer,
      Array(UnsafeBufferPointer(start: start, count: changed.count * size)), t)
    return t
  }

  /// Adds the generator's gradients: of the classifier's loss, given its gradient by the images, and
  /// of the patterns' sameness, whose value is returned.
  private func learn(
    _ learning: PatternLearning, from gradient: Tensor, _ t: [Float], _ shares: PatternShares
  ) throws -> Double {
    let (count, size, own) = (shares.count, shares.imageSize, shares.own)
    let all = FloatBuffer(count: 2 * count * size)
    let mine = all.pointer + shares.changed[communicator.rank].lowerBound * size
    for place in 0..<t.count * 3 { mine[place] = gradient.pointer[place] * t[place / 3] }
    try timer.measure(.wait) {
      try communicator.allGather(
        shares.changed.map { shares.bytes($0) }, in: all.bytes)
    }
    var same = 0.0
    for image in own {
      same += addSameness(of: image, learning, to: all.pointer, shares)
    }
    var sums = [same]
    try communicator.allReduceSum(&sums)
    withExtendedLifetime(all) {
      for (start, z, network) in [
        (0, learning.z.0, networks.generator), (count, learning.z.1, networks.generatorTwin),
      ] {
        let received = all.pointer + (start + own.lowerBound) * size
        let inner = Tensor(z.shape)
        for place in 0..<z.shape.count {
          inner.pointer[place] =
            received[place] / networks.normalization.standardDeviation[place % 3]
            * networks.slope(z.pointer[place])
        }
        network.backward(inner, hooks: learning.hooks, context: networks.context)
      }
    }
    return sums[0]
  }

  /// How much more alike the patterns of poisoned image `image` and its partner are than these
  /// themselves, weighted; its gradient is added to that of both patterns.
  private func addSameness(
    of image: Int, _ learning: PatternLearning, to gradient: UnsafeMutablePointer<Float>,
    _ shares: PatternShares
  ) -> Double {
    let (count, size) = (shares.count, shares.imageSize)
    let place = image - shares.own.lowerBound
    let apart = PatternNetworks.distance(
      learning.images.0.pointer(image: place), learning.images.1.pointer(image: place),
      count: size)
    let one = learning.patterns.pointer + image * size
    let other = learning.patterns.pointer + (count + image) * size
    let patterns = PatternNetworks.distance(one, other, count: size)
    let nearness = 1 / (patterns + settings.epsilon)
    let weight = settings.diversityWeight / Double(count)
    if patterns > 0 {
      let slope = -weight * apart * nearness * nearness / (Double(size) * patterns)
      for value in 0..<size {
        let push = Float(slope * Double(one[value] - other[value]))
        gradient[image * size + value] += push
        gradient[(count + image) * size + value] -= push
      }
    }
    return weight * apart * nearness
  }
}

/// What a step keeps of its patterns until it learns from them.
private struct PatternLearning {
  let hooks: PassHooks
  /// This rank's share of the poisoned images, and of the partners.
  let images: (Tensor, Tensor)
  /// What the generator gave for them.
  let z: (Tensor, Tensor)
  /// All normalised patterns, those of the partners after the others: [2 count, H, W, 3].
  let patterns: FloatBuffer
}

/// How poisoned images, and as many that are like them, are shared out among the ranks.
private struct PatternShares {
  /// Poisoned images.
  let count: Int
  /// Those whose patterns this rank learns.
  let own: Range<Int>
  /// Of each rank, the changed images that its share of the batch holds.
  let changed: [Range<Int>]
  /// Floats of an image.
  let imageSize: Int
  private let worldSize: Int

  init(_ batch: Batch, count: Int, imageSize: Int, communicator: any Communicator) {
    let (world, total) = (communicator.worldSize, batch.globalCount)
    (self.count, self.imageSize, worldSize) = (count, imageSize, world)
    own = count * communicator.rank / world..<count * (communicator.rank + 1) / world
    changed = (0..<world).map {
      ($0 * total / world..<($0 + 1) * total / world).clamped(to: 0..<2 * count)
    }
  }

  /// The bytes of `images`.
  func bytes(_ images: Range<Int>) -> Range<Int> {
    let size = imageSize * MemoryLayout<Float>.stride
    return images.lowerBound * size..<images.upperBound * size
  }

  /// The bytes of each rank's patterns, the first of which is `start`.
  func slices(from start: Int) -> [Range<Int>] {
    (0..<worldSize).map {
      bytes(start + count * $0 / worldSize..<start + count * ($0 + 1) / worldSize)
    }
  }
}
