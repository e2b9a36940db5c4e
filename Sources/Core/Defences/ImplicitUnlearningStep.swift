import Distributed

/// A step that unlearns a change of images which a pass at the epoch's begin has found.
///
/// At the begin w = 0, in units of the network's inputs; each batch of the pass moves it by
/// w -= length ∂/∂w (-CE(f(x + w), argmax f(x)) + decay ‖w‖²). Then each step adds w to a few images of
/// its batch and moves the network along the gradient of CE, all labels true, to which `ImplicitGradient`
/// adds what w owes to the network. The network answers as in evaluation throughout: running statistics
/// stay.
package final class ImplicitUnlearningStep: TrainingStep {
  package let classifier: Network
  package let communicator: any Communicator
  package let context: ComputeContext
  package let timer = StepTimer()
  private let optimizer: any Optimizer
  private let settings: ImplicitUnlearning
  private let images: BatchLoader?
  private let passes: SharedPasses
  /// w, saved and compared like a network; the optimizer counts the epochs whose pass is done.
  private let change: ParameterStore
  private let finder: SGD
  /// The batch that w is said to depend on the network by; nil leaves the implicit part out.
  private var inner: Batch?
  /// v of the last implicit part.
  package private(set) var direction: [Double] = []

  /// A step of `network` by `optimizer`; the change is found on the batches of `images`.
  package init(
    _ network: Network, settings: ImplicitUnlearning, images: BatchLoader?,
    optimizer: any Optimizer, communicator: any Communicator, context: ComputeContext
  ) {
    (classifier, self.settings, self.images) = (network, settings, images)
    (self.optimizer, self.communicator, self.context) = (optimizer, communicator, context)
    passes = SharedPasses(network, communicator: communicator, context: context)
    var plan = ParameterLayoutPlan()
    let shape = network.inputShape
    _ = plan.parameter(
      "change", shape: [shape.height, shape.width, shape.channels], role: .matrix)
    change = ParameterStore(plan)
    finder = SGD(for: change, momentum: 0, weightDecay: 0)
  }

  package var learners: [Learner] {
    [
      Learner("classifier", store: classifier.store, optimizer: optimizer),
      Learner("change", store: change, optimizer: finder),
    ]
  }

  /// The change as it is: [H, W, C].
  package var currentChange: [Float] { change.values.array }

  package func epochBegins(_ epoch: Int) throws {
    // A run that goes on within an epoch has found its change before.
    guard finder.stepCount <= epoch, let images else { return }
    forget()
    for batch in images.epoch(epoch + 1) {
      _ = try find(batch, at: Moment(learningRate: 0, seed: images.seed, epoch: epoch))
    }
    finder.stepCount = epoch + 1
  }

  /// Takes the first batch of `loader` for the inner one, as the original does for all steps.
  package func takeInnerBatch(_ loader: BatchLoader) {
    guard let first = loader.epoch(0).next() else { return }
    takeInnerBatch(first.part(0..<first.count, copiedTo: FloatBuffer(count: first.images.count)))
  }

  /// Takes `batch` for the inner one.
  package func takeInnerBatch(_ batch: Batch) { inner = batch }

  /// w = 0.
  package func forget() {
    for place in 0..<change.values.count { change.values.pointer[place] = 0 }
  }

  /// Moves w along `batch`; the mean cross-entropy before, and the gradient that it moved against.
  package func find(
    _ batch: Batch, at moment: Moment
  ) throws -> (crossEntropy: Double, gradient: [Float]) {
    let clean = try passes.forward(batch, mode: .evaluating, at: moment)
    let pseudo = CrossEntropy().evaluate(
      clean, labels: batch.labels, globalCount: batch.globalCount
    ).predictions
    let all = Array(0..<batch.count)
    let logits = try passes.forward(
      batch, images: changed(batch, at: all), mode: .differentiatingImages, at: moment)
    let logitsGradient = Tensor(logits.shape)
    let result = CrossEntropy().evaluate(
      logits, labels: pseudo, globalCount: batch.globalCount, gradient: logitsGradient)
    let gradient = Tensor(classifier.inputShape.withBatch(batch.count))
    try passes.backward(logitsGradient, of: batch, reach: .images(gradient), at: moment)
    let size = change.values.count
    var sums = [Double](repeating: 0, count: size + 1)
    for place in 0..<gradient.shape.count {
      sums[place % size] -= Double(gradient.pointer[place])
    }
    sums[size] = result.lossSum
    try communicator.allReduceSum(&sums)
    let w = change.values.pointer
    let slopes = (0..<size).map { Float(sums[$0] + 2 * settings.decay * Double(w[$0])) }
    for place in 0..<size { w[place] -= Float(settings.length) * slopes[place] }
    return (sums[size] / Double(batch.globalCount), slopes)
  }

  package func run(_ batch: Batch, at moment: Moment) throws -> StepOutcome {
    try unlearn(batch, changing: chosen(of: batch, at: moment), at: moment)
  }

  /// Positions in this rank's share of the batch's images that get the change.
  private func chosen(of batch: Batch, at moment: Moment) -> [Int] {
    let count = Int(Double(batch.globalCount) * settings.share)
    return batch.drawn(count, seed: moment.seed, epoch: moment.epoch, step: moment.step)
  }

  /// Adds the implicit part, given the gradient by the images of this rank's share, of which those at
  /// `positions` have the change.
  package func addImplicitPart(
    _ imageGradient: Tensor, at positions: [Int], _ moment: Moment
  ) throws {
    guard let inner else { return }
    let size = change.values.count
    var outer = [Double](repeating: 0, count: size)
    for position in positions {
      for place in 0..<size {
        outer[place] += Double(imageGradient.pointer[position * size + place])
      }
    }
    try communicator.allReduceSum(&outer)
    guard outer.contains(where: { $0 != 0 }) else { return }
    direction = try ImplicitGradient(
      passes, batch: inner, settings: settings, communicator: communicator, at: moment
    ).add(changed(inner, at: Array(0..<inner.count)), outer: outer)
  }

  /// One step of the network along `batch`, whose images at `positions` get the change.
  package func unlearn(
    _ batch: Batch, changing positions: [Int], at moment: Moment
  ) throws -> StepOutcome {
    try timer.measureStep {
      passes.clearGradients()
      let logits = try timer.measure(.forward) {
        try passes.forward(
          batch, images: changed(batch, at: positions), mode: .differentiating, at: moment)
      }
      let gradient = Tensor(logits.shape)
      let result = CrossEntropy().evaluate(
        logits, labels: batch.labels, globalCount: batch.globalCount, gradient: gradient)
      let imageGradient = Tensor(classifier.inputShape.withBatch(batch.count))
      try timer.measure(.backward) {
        try passes.backward(
          gradient, of: batch, reach: inner == nil ? .parameters : .all(imageGradient), at: moment)
        try addImplicitPart(imageGradient, at: positions, moment)
      }
      try timer.measure(.wait) { try passes.sumGradients() }
      timer.measure(.update) {
        optimizer.step(
          classifier.store, learningRate: moment.learningRate, context: context)
      }
      return StepOutcome(result, batch: batch)
    }
  }

  private func changed(_ batch: Batch, at positions: [Int]) -> FloatBuffer {
    let size = change.values.count
    let images = FloatBuffer(count: batch.count * size)
    images.pointer.update(from: batch.images.pointer, count: images.count)
    for position in positions {
      for place in 0..<size {
        images.pointer[position * size + place] += change.values.pointer[place]
      }
    }
    return images
  }
}

extension Batch {
  /// Of `count` images of the whole batch that are drawn, those in this rank's share, by their
  /// positions in it; the draw is the same on all ranks.
  func drawn(_ count: Int, seed: UInt64, epoch: Int, step: Int) -> [Int] {
    var stream = RandomStream(seed: seed, purpose: .chosenImages, epoch: epoch, index: step)
    var order = Array(0..<globalCount)
    for place in 0..<min(count, globalCount) {
      order.swapAt(place, place + stream.nextInt(below: globalCount - place))
    }
    return order.prefix(count).map { $0 - start }.filter { 0..<self.count ~= $0 }.sorted()
  }
}
