import Distributed

/// One forward and backward of a step, whose gradients are added to those of the step's others.
struct ClassifierPass {
  /// This rank's share of the images.
  var batch: Batch
  /// What the loss of each interlaced batch is multiplied with.
  private(set) var weights: [Double]
  /// Where the gradient by the images goes: [batch.count, H, W, C]; nil where nobody asks for it.
  var imageGradient: Tensor?
  /// Whether parameters get its gradients.
  var hasParameters = true
  /// What else of the loss hangs on the features: told those of the images in a range of the batch,
  /// its gradient by them, unweighted; nil where nothing does.
  var featureGradient: ((_ features: Tensor, _ images: Range<Int>) -> Tensor)?

  /// A pass of `batch` alone, whose loss is multiplied with `weight`.
  init(_ batch: Batch, weight: Double = 1) { (self.batch, weights) = (batch, [weight]) }

  /// A pass of several equally large batches as one, image by image in turn.
  ///
  /// BatchNorm normalises them alike. Each one's loss is multiplied with its weight.
  init(interlacing batches: [Batch], weights: [Double]) {
    precondition(batches.count == weights.count, "\(weights.count) weights")
    (batch, self.weights) = (Batch(interlacing: batches), weights)
  }

  /// What each interlaced batch amounts to, of `result` for all of them.
  func separate(_ result: CrossEntropy.Result) -> [CrossEntropy.Result] {
    (0..<weights.count).map { part in
      var own = CrossEntropy.Result()
      for image in stride(from: part, to: batch.count, by: weights.count) {
        own.losses.append(result.losses[image])
        own.lossSum += result.losses[image]
        own.predictions.append(result.predictions[image])
        own.correct += result.predictions[image] == batch.labels[image] ? 1 : 0
      }
      // Which of them it is does not matter: any is an error.
      own.nonFinite = result.nonFinite
      return own
    }
  }

  /// Multiplies the loss's gradient, that of the images in `range` of the batch, by their weights.
  func weigh(_ gradient: Tensor, of range: Range<Int>) {
    guard weights != [1] else { return }
    let size = gradient.shape.withBatch(1).count
    for (row, image) in range.enumerated() {
      // The mean is over all images, each loss over those of its own batch.
      let factor = Float(weights[image % weights.count] * Double(weights.count))
      for place in row * size..<(row + 1) * size { gradient.pointer[place] *= factor }
    }
  }

  /// How far its backward reaches; the images' gradient goes to `images`.
  func reach(_ trainable: TrainableParameters, images: Tensor?) -> GradientReach {
    guard let images else { return trainable == .head ? .head : .parameters }
    return hasParameters ? .all(images) : .images(images)
  }

  /// Copies the images' gradient of a part to its place.
  func keep(_ images: Tensor?, of range: Range<Int>) {
    guard let images, let imageGradient else { return }
    imageGradient.pointer(image: range.lowerBound)
      .update(from: images.pointer, count: images.shape.count)
  }
}

extension ClassifierStep {
  /// Computes the gradients of `pass`, summed over the ranks, and moves nothing but running
  /// statistics.
  ///
  /// For steps that look at several losses' gradients before they choose; `update` then moves along
  /// what is in the store.
  func gradients(of pass: ClassifierPass, at moment: Moment) throws -> CrossEntropy.Result {
    try settle()
    let store = classifier.store
    let tracked = store.batchesTracked
    store.clearGradients(wide: context.sharesStatistics)
    let result = computeGradients(pass, hands: false, at: moment)
    store.batchesTracked = tracked.map { $0 + Int64(accumulationSteps) }
    try context.check()
    try timer.measure(.wait) {
      if context.sharesStatistics {
        try store.reduceWideGradients { try communicator.allReduceSum(&$0) }
      } else if communicator.worldSize > 1 {
        scaleRunningStatistics(by: Double(pass.batch.count) / Double(pass.batch.globalCount))
        try communicator.allReduceSum(store.buffers.floats)
        try communicator.allReduceSum(store.gradients.floats)
      }
    }
    return result
  }

  /// Moves the parameters along the gradients in the store.
  func update(at moment: Moment) {
    timer.measure(.update) {
      optimizer.step(classifier.store, learningRate: moment.learningRate, context: context)
    }
  }
}
