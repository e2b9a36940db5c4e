import Distributed

/// Runs a model over a test set, each batch shared by all ranks, and counts.
public struct Evaluator {
  /// The network that is asked.
  public let model: Network
  /// Images per batch over all ranks.
  public let batchSize: Int
  /// How pixels become inputs.
  public let normalization: Normalization
  /// The ranks that share the work.
  public let communicator: any Communicator
  /// Threads and scratch memory.
  public let context: ComputeContext
  /// Told of the progress on rank 0.
  public let observer: any TrainingObserver
  /// What a message calls the network: its archive, or what was trained.
  public var name: String
  /// Whether it counts which classes images of each class are taken for.
  public var countsConfusion = false
  /// What is done to the inputs of each batch, [N, H, W, C], before the network has them.
  package var change: ((Tensor) -> Tensor)?

  /// An evaluator of `model`, called `name` in messages.
  public init(
    model: Network, batchSize: Int, normalization: Normalization,
    communicator: any Communicator, context: ComputeContext, observer: any TrainingObserver,
    name: String = "the model"
  ) {
    (self.model, self.batchSize, self.normalization) = (model, batchSize, normalization)
    (self.communicator, self.context, self.observer) = (communicator, context, observer)
    self.name = name
  }

  /// What a set of images came to, over all ranks.
  public struct Result: Sendable {
    /// Images classified as their label in the set.
    public var matches: Int64 = 0
    /// Images classified as their label before the attack.
    public var originalMatches: Int64 = 0
    /// All images.
    public var total: Int64 = 0
    /// By their label before the attack, if they were counted so.
    public var confusion: ConfusionMatrix?
    /// Mean over the batches of each batch's mean loss; nil without images.
    public var lossAverageOverBatches: Double?
  }

  /// Classifies `images`; `originalLabels` are their classes before the attack: [count].
  ///
  /// `features` takes along what the head is given for the images that it wants. Throws
  /// `NonFiniteLogits`, on all ranks alike, where a prediction would mean nothing.
  public func run(
    _ images: LabeledImages, originalLabels: [Int], features: FeatureCollector? = nil
  ) throws -> Result {
    try context.withFixedWeights {
      try count(images, originalLabels: originalLabels, features: features)
    }
  }

  private func count(
    _ images: LabeledImages, originalLabels: [Int], features: FeatureCollector?
  ) throws -> Result {
    let loader = BatchLoader.sequential(
      images, batchSize: batchSize, normalization: normalization,
      worldSize: communicator.worldSize, rank: communicator.rank)
    var result = Result()
    if countsConfusion { result.confusion = ConfusionMatrix(classCount: images.classCount) }
    var loss = [0.0]
    var (done, nonFinite) = (0, Int64(0))
    for batch in loader.epoch(0) {
      done += batch.globalCount
      if communicator.rank == 0 { observer.observe(.evaluating(done: done, total: images.count)) }
      guard batch.count > 0 else { continue }
      let outcome = classify(batch)
      features?.take(model.features, of: batch)
      loss[0] += outcome.lossSum / Double(batch.globalCount)
      result.matches += outcome.correct
      nonFinite += outcome.nonFinite
      for (index, prediction) in zip(batch.indices, outcome.predictions) {
        if originalLabels[index] == Int(prediction) { result.originalMatches += 1 }
        result.confusion?.count(label: originalLabels[index], prediction: Int(prediction))
      }
    }
    var counts = [result.matches, result.originalMatches, nonFinite]
    try communicator.allReduceSum(&counts)
    try communicator.allReduceSum(&loss)
    try result.confusion?.join { try communicator.allReduceSum(&$0) }
    try features?.join(communicator)
    guard counts[2] == 0 else {
      throw NonFiniteLogits(model: name, count: counts[2], total: images.count)
    }
    (result.matches, result.originalMatches) = (counts[0], counts[1])
    result.total = Int64(images.count)
    let steps = loader.sampler.stepsPerEpoch
    result.lossAverageOverBatches = steps > 0 ? loss[0] / Double(steps) : nil
    return result
  }

  private func classify(_ batch: Batch) -> CrossEntropy.Result {
    var shape = model.inputShape
    shape.batch = batch.count
    let images = Tensor(shape, in: batch.images)
    let logits = model.forward(change?(images) ?? images, mode: .evaluating, context: context)
    return CrossEntropy().evaluate(logits, labels: batch.labels, globalCount: batch.globalCount)
  }
}

/// The two sets that a backdoored model is judged by.
public struct TestSets: Sendable {
  /// Clean test images with their labels.
  public var clean: LabeledImages
  /// Triggered test images with the labels that the attack wants; empty for a clean model's run
  /// without triggers.
  public var triggered: LabeledImages
  /// The triggered images' labels before the attack: [triggered.count].
  public var triggeredOriginalLabels: [Int]

  /// The sets of clean and triggered images.
  public init(clean: LabeledImages, triggered: LabeledImages, triggeredOriginalLabels: [Int]) {
    self.clean = clean
    self.triggered = triggered
    self.triggeredOriginalLabels = triggeredOriginalLabels
  }
}

/// C-ACC, ASR and RA with the mean losses of both sets.
public typealias TestResults = (
  metrics: BackdoorMetrics, cleanLoss: Double?, triggeredLoss: Double?
)

extension Evaluator {
  /// C-ACC, ASR and RA with the mean losses of both sets.
  public func run(
    _ sets: TestSets, cleanFeatures: FeatureCollector? = nil,
    triggeredFeatures: FeatureCollector? = nil
  ) throws -> TestResults {
    let (clean, triggered) = try context.withFixedWeights {
      (
        try run(sets.clean, originalLabels: sets.clean.labels, features: cleanFeatures),
        try run(
          sets.triggered, originalLabels: sets.triggeredOriginalLabels,
          features: triggeredFeatures)
      )
    }
    var metrics = BackdoorMetrics()
    metrics.cleanCorrect = clean.matches
    metrics.cleanTotal = clean.total
    metrics.attackSuccesses = triggered.matches
    metrics.robustCorrect = triggered.originalMatches
    metrics.triggeredTotal = triggered.total
    return (metrics, clean.lossAverageOverBatches, triggered.lossAverageOverBatches)
  }
}
