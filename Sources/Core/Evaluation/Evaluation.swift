import Distributed
import Foundation

/// C-ACC, ASR and RA of an archived model: `fst evaluate`.
public struct Evaluation {
  private let configuration: EvaluateConfiguration
  private let communicator: any Communicator
  private let observer: any TrainingObserver

  /// An evaluation as `configuration` says, told of to `observer` on rank 0.
  public init(
    _ configuration: EvaluateConfiguration, communicator: any Communicator,
    observer: any TrainingObserver
  ) {
    self.configuration = configuration
    self.communicator = communicator
    self.observer = observer
  }

  /// Runs the evaluation; throws one-line errors, `SharedFailure` where all ranks know of it.
  public func run() throws -> BackdoorMetrics {
    try communicator.requireSameStart(settings: configuration.sharedSettings)
    let prepared = try prepare()
    let metrics = try prepared.evaluator.run(prepared.sets).metrics
    if let line = prepared.attacked.guessing(metrics) { tell(.warning(line)) }
    return metrics
  }

  /// Reads model and images, and compares them over the ranks: all that is to be done before any
  /// image is classified.
  ///
  /// Clean test images that an evaluation of another model has read are `known`.
  func prepare(sharing known: LabeledImages? = nil) throws -> PreparedEvaluation {
    let path = configuration.archive
    let archive = try AttackedArchive(
      path: path, request: ArchiveRequest(poolsStem: configuration.poolsStem),
      communicator: communicator)
    let description = archive.description
    let dataset = configuration.dataset ?? description.cleanData ?? Datasets.usual.name
    let statistics = configuration.pixelStatistics.completed(by: description.pixelStatistics)
    description.origins(
      of: path, dataset: dataset, statistics: statistics,
      isDatasetGiven: configuration.dataset != nil
    ).forEach(tell)
    let place = description.dataPath(given: configuration.datasetPath, archive: path)
    if configuration.datasetPath == nil, let line = description.foundElsewhere(place) {
      tell(.message(line))
    }
    let test =
      try known ?? read(dataset, at: place, size: description.size(given: configuration.imageSide))
    let attacked = try AttackedModel(archive, for: test, communicator: communicator)
    if let line = statistics.assumption(of: dataset) { tell(.message(line)) }
    let evaluator = Evaluator(
      model: attacked.model, batchSize: configuration.batchSize,
      normalization: statistics.normalization(of: dataset),
      communicator: communicator,
      context: ComputeContext(
        threads: ThreadCount.resolve(requested: configuration.threads),
        convolution: configuration.convolution, precision: configuration.precision),
      observer: observer, name: path)
    let labels = try communicator.together { try labelTransform(attacked) }
    let triggered = try triggeredImages(
      TriggeredTestImages(
        attacked: attacked, clean: test, labels: labels, communicator: communicator),
      normalization: evaluator.normalization,
      isOfDataset: isSameDataset(description.cleanData, dataset))
    let prepared = PreparedEvaluation(
      attacked: attacked, evaluator: evaluator, test: test, labels: labels, triggered: triggered)
    try communicator.requireAgreement(onEach: prepared.sets.checksums)
    try ReplicaWatch(attacked.model.store, communicator: communicator).verify("at the start")
    return prepared
  }

  /// The clean test images of `dataset`, which all ranks read by themselves.
  private func read(_ dataset: String, at place: String, size: ImageSize?) throws -> LabeledImages {
    let pair = try communicator.together {
      try DatasetLoader.load(
        name: dataset, path: place, size: size, seed: AttackData.syntheticSeed,
        threads: ThreadCount.resolve(requested: configuration.threads), isTestOnly: true,
        isArchivedPath: configuration.datasetPath == nil)
    }
    pair.warnings.forEach { tell(.warning($0)) }
    return pair.test
  }

  private func tell(_ event: TrainingEvent) {
    if communicator.rank == 0 { observer.observe(event) }
  }

  /// Whether the archive's triggered images can be of the dataset that is measured: its own, or the
  /// user's own images of one that has no name here.
  private func isSameDataset(_ archived: String?, _ given: String) -> Bool {
    guard let archived, archived != given else { return true }
    return Datasets.named(archived) == nil && Datasets.known(given).isUsersOwn
  }

  private func triggeredImages(
    _ source: TriggeredTestImages, normalization: Normalization, isOfDataset: Bool
  ) throws -> PoisonedDataset? {
    if let attack = configuration.attack {
      let target = source.labels.target.map { ", target \($0)" } ?? ""
      tell(.message("the trigger of \(attack.rawValue) is applied anew\(target)"))
      let description = source.attacked.description
      if let line = description.absence(of: attack, given: configuration.settings) {
        tell(.warning(line))
      }
      return try communicator.together {
        try source.anew(
          source.attacked.description.settings(of: attack, given: configuration.settings),
          normalization: normalization)
      }
    }
    guard isOfDataset else {
      tell(
        .warning(
          "the archive's triggered images are of \(source.attacked.description.cleanData ?? "-"), "
            + "not of the dataset given: clean images only; give --attack to apply a trigger anew"))
      return nil
    }
    let isTargetGiven = configuration.attackTarget != nil || configuration.labelTransform != nil
    switch try source.beside(isTargetGiven: isTargetGiven) {
    case .images(let images):
      if let line = source.mismatch(of: images) { tell(.warning(line)) }
      return images
    case .absent(let problem):
      tell(
        .warning("\(problem): clean images only; give --attack to apply the trigger anew"))
      return nil
    }
  }

  /// What was given, else what the archive says its triggered images are to be taken for.
  ///
  /// Where those images are measured, what was given must be what the archive says.
  private func labelTransform(_ attacked: AttackedModel) throws -> LabelTransform {
    let (description, count) = (attacked.description, attacked.description.classCount)
    let given = try LabelTransform(
      configuration.labelTransform
        ?? (description.hasTriggeredImages && configuration.attackTarget == nil
          ? description.labelTransform : .all2one),
      target: configuration.attackTarget ?? description.target ?? 0, classCount: count)
    guard configuration.attack == nil, description.hasTriggeredImages else { return given }
    let archived = try LabelTransform(
      description.labelTransform, target: description.target ?? 0, classCount: count)
    guard archived == given else {
      throw AttackedModelError.otherTarget(
        path: attacked.path, archive: archived.words, given: given.words)
    }
    return archived
  }
}

extension LabelTransform {
  /// The transform in words: `of target 0`.
  fileprivate var words: String { target.map { "of target \($0)" } ?? "all2all" }
}

/// A model, what runs it, and the images that it is to be judged by.
struct PreparedEvaluation {
  let attacked: AttackedModel
  let evaluator: Evaluator
  /// The clean test images.
  let test: LabeledImages
  /// What the triggered images are to be taken for.
  let labels: LabelTransform
  /// Nil where no triggered images are known.
  let triggered: PoisonedDataset?

  /// Both sets as the evaluator takes them.
  var sets: TestSets {
    TestSets(
      clean: test, triggered: triggered?.images ?? test.selecting([]),
      triggeredOriginalLabels: triggered?.originalLabels ?? [])
  }
}
