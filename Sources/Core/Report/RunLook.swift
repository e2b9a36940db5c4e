import Distributed
import Foundation

/// What the models of a run say of some of the test images when they are asked.
///
/// All ranks ask them together; pictures are rank 0's.
struct RunLook {
  /// One model's answers.
  struct Model {
    let title: String
    /// Clean images: by their class, then by what they are taken for.
    let clean: ConfusionMatrix
    /// Triggered images: by their class before the attack; nil without any.
    let triggered: ConfusionMatrix?
    /// The class of each clean point, then as many triggered points as there are.
    let pointLabels: [Int]
    /// Places in the plane, clean points first; nil on other ranks than 0.
    var positions: FeatureMatrix?
    /// Triggered against clean points of the target class, on features.
    var figures: FeatureFigures?
  }

  private(set) var models: [Model] = []
  /// Models that could not be asked, and why.
  private(set) var problems: [String] = []
  /// Models that were not asked, to be quick.
  private(set) var leftOut: [String] = []
  /// The clean test images, of rank 0 as of all.
  private(set) var testImages: LabeledImages?
  /// The class that triggered images are to be taken for, if it is one.
  private(set) var target: Int?

  /// Seconds after which no further model is asked, unless it is wanted.
  private static let patience = 1.5
  /// Purified models that are asked at most and at least, unless more are wanted.
  private static let purified = 1...3

  /// Asks the attacked model of `run` and its first purified ones.
  init(
    of run: RunFiles, _ configuration: ReportConfiguration, communicator: any Communicator,
    observer: any TrainingObserver
  ) throws {
    let start = ContinuousClock.now
    let archives = try communicator.fromRankZero { Self.archives(run) }
    var images = configuration.testImages
    for (place, archive) in archives.enumerated() {
      let isWanted = try communicator.fromRankZero {
        configuration.models.map { place <= $0 }
          ?? (place <= Self.purified.lowerBound
            || place <= Self.purified.upperBound
              && (ContinuousClock.now - start).seconds < Self.patience)
      }
      guard isWanted else {
        leftOut = archives[place...].map(\.title)
        break
      }
      do {
        let inquiry = ModelInquiry(
          archive: archive.path, configuration, communicator: communicator,
          observer: place == 0 ? observer : QuietObserver(observer))
        let answer = try inquiry.run(title: archive.title, images: images, sharing: testImages)
        (testImages, target, images) = (answer.testImages, answer.target, answer.images)
        models.append(answer.model)
      } catch {
        guard communicator.worldSize == 1 || error is any ThrownOnAllRanks else { throw error }
        problems.append("\(error)")
      }
    }
    if archives.isEmpty {
      problems.append("\(run.folder): no archive of a model is there")
    }
  }

  /// An archive and what its model is called.
  private struct Archive: Codable {
    let title: String
    let path: String
  }

  /// The attacked model's archive, then those of the purified ones, least ASR first.
  private static func archives(_ run: RunFiles) -> [Archive] {
    let attacked = run.archive.map { [Archive(title: "attacked", path: $0)] } ?? []
    let purified = run.defences.sorted { ($0.after.attack ?? 2) < ($1.after.attack ?? 2) }
    return attacked
      + purified.compactMap { defence in
        defence.archive.map { Archive(title: defence.title, path: $0) }
      }
  }
}

/// One model, asked about some of the test images.
struct ModelInquiry {
  private static let cleanPoints = 300
  private static let triggeredPoints = 100
  private static let targetPoints = 50
  private static let iterations = 500
  /// Images by which the model's speed is found out, on each rank.
  private static let trialImages = 16
  /// Seconds that a set of images may take, and how many there are in any case.
  private static let (moment, bounds) = (0.3, 80...500)

  private let archive: String
  private let configuration: ReportConfiguration
  private let communicator: any Communicator
  private let observer: any TrainingObserver

  init(
    archive: String, _ configuration: ReportConfiguration, communicator: any Communicator,
    observer: any TrainingObserver
  ) {
    self.archive = archive
    self.configuration = configuration
    self.communicator = communicator
    self.observer = observer
  }

  /// What the model says, with the test images and the target class.
  func run(
    title: String, images: Int?, sharing known: LabeledImages?
  ) throws -> (model: RunLook.Model, testImages: LabeledImages, target: Int?, images: Int) {
    var evaluation = configuration.evaluation
    evaluation.archive = archive
    let prepared = try Evaluation(
      evaluation, communicator: communicator, observer: observer
    ).prepare(sharing: known)
    let (test, target) = (prepared.test, prepared.triggered == nil ? nil : prepared.labels.target)
    let images = try images ?? numberOfImages(prepared)
    let clean = try ask(prepared, cleanSet(test, images), points: Self.cleanPoints)
    let triggered = try triggeredSet(prepared, images).map {
      try ask(prepared, $0, points: Self.triggeredPoints)
    }
    let ofTarget = try target.map {
      try ask(prepared, targetSet(test, $0, images), points: .max)
    }
    var model = RunLook.Model(
      title: title, clean: clean.confusion, triggered: triggered?.confusion,
      pointLabels: clean.labels, positions: nil, figures: nil)
    try communicator.onRankZero {
      guard let triggered else {
        model.positions = try embed(clean.features)
        return
      }
      model.positions = try embed(clean.features.joined(with: triggered.features))
      model.figures = ofTarget.flatMap {
        FeatureFigures(triggered: triggered.features, target: $0.features, clean: clean.features)
      }
    }
    return (model, test, target, images)
  }

  /// As many images as the model classifies in a moment, found out on a few of them.
  private func numberOfImages(_ prepared: PreparedEvaluation) throws -> Int {
    let few = prepared.test.selecting(
      Array(0..<min(Self.trialImages * communicator.worldSize, prepared.test.count)))
    let start = ContinuousClock.now
    _ = try prepared.evaluator.run(few, originalLabels: few.labels)
    return try communicator.fromRankZero {
      let rate = Double(few.count) / max((ContinuousClock.now - start).seconds, 1e-6)
      return min(max(Int(rate * Self.moment), Self.bounds.lowerBound), Self.bounds.upperBound)
    }
  }

  /// Images and their classes before the attack.
  private typealias ImageSet = (images: LabeledImages, original: [Int])

  /// As many images of each class.
  private func cleanSet(_ test: LabeledImages, _ count: Int) -> ImageSet {
    let chosen = PointChoice.clean(
      labels: test.labels, classCount: test.classCount,
      perClass: max(count / test.classCount, 1), seed: configuration.randomSeed)
    // In the order of chance, so that the first ones are of all classes.
    let mixed = Permutation.of(count: chosen.count, seed: configuration.randomSeed, epoch: 1)
    let images = test.selecting(mixed.map { chosen[$0] })
    return (images, images.labels)
  }

  private func triggeredSet(_ prepared: PreparedEvaluation, _ count: Int) -> ImageSet? {
    guard let triggered = prepared.triggered, triggered.images.count > 0 else { return nil }
    let chosen = PointChoice.triggered(
      originalIndices: triggered.originalIndices, testCount: prepared.test.count,
      count: count, seed: configuration.randomSeed)
    return (triggered.images.selecting(chosen), chosen.map { triggered.originalLabels[$0] })
  }

  private func targetSet(_ test: LabeledImages, _ target: Int, _ count: Int) -> ImageSet {
    let images = test.selecting(
      Array(
        test.labels.indices.filter { test.labels[$0] == target }
          .prefix(min(Self.targetPoints, max(count / 4, 5)))))
    return (images, images.labels)
  }

  private func ask(
    _ prepared: PreparedEvaluation, _ set: ImageSet, points: Int
  ) throws -> (confusion: ConfusionMatrix, features: FeatureMatrix, labels: [Int]) {
    var evaluator = prepared.evaluator
    evaluator.countsConfusion = true
    let kept = Array(set.images.labels.indices.prefix(points))
    let collector = FeatureCollector(
      indices: kept, dimensions: prepared.attacked.model.head.inputs)
    let result = try evaluator.run(set.images, originalLabels: set.original, features: collector)
    let confusion = result.confusion ?? ConfusionMatrix(classCount: set.images.classCount)
    return (confusion, collector.features, kept.map { set.original[$0] })
  }

  /// Places in the plane; nil of too few points.
  private func embed(_ points: FeatureMatrix) throws -> FeatureMatrix? {
    var settings = TSNE.Settings()
    settings.maxIterations = Self.iterations
    settings.seed = configuration.randomSeed
    settings.perplexity = min(settings.perplexity, Double(points.rows - 1) / 3)
    guard points.rows >= 10 else { return nil }
    let context = ComputeContext(
      threads: ThreadCount.resolve(requested: configuration.evaluation.threads))
    return try TSNE(settings).embed(points, context: context) {
      observer.observe(.embedding(done: $0.iteration, total: $0.of))
    }.positions
  }
}
