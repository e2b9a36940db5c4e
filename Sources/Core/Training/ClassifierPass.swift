import Distributed

/// One forward and backward of a step, whose gradients are added to those of the step's others.
struct ClassifierPass {
  /// This rank's share of the images.
  var batch: Batch
  /// What the loss is multiplied with.
  var weight = 1.0
  /// Where the gradient by the images goes: [batch.count, H, W, C]; nil where nobody asks for it.
  var imageGradient: Tensor?
  /// Whether parameters get its gradients.
  var hasParameters = true
  /// What else of the loss hangs on the features: told those of the images in a range of the batch,
  /// its gradient by them, unweighted; nil where nothing does.
  var featureGradient: ((_ features: Tensor, _ images: Range<Int>) -> Tensor)?

  /// A pass of `batch` alone.
  init(_ batch: Batch) { self.batch = batch }

  /// Multiplies the loss's gradient by the weight.
  func weigh(_ gradient: Tensor) {
    guard weight != 1 else { return }
    let factor = Float(weight)
    for place in 0..<gradient.shape.count { gradient.pointer[place] *= factor }
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
