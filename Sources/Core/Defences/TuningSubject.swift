import Distributed

/// An attack's result as tunings find it: the attacked model, the dataset and the test sets.
///
/// All ranks make it together. It owns the attacked parameters, which each tuning copies, so that
/// tunings of one archive read it, its triggered images and the dataset once.
public final class TuningSubject {
  /// The model as it was attacked; nothing trains it.
  let attacked: AttackedModel
  /// The clean images.
  let dataset: DatasetPair
  /// What the model is judged by before and after.
  let sets: TestSets
  private let normalization: Normalization
  private let request: ArchiveRequest
  /// What the model does; nil before that was asked for.
  private(set) var known: BackdoorMetrics?

  /// Reads the archive that `configuration` names, and its dataset unless that is given.
  ///
  /// Where what the attacked model does is `known`, it is not evaluated again. Throws one-line errors, `SharedFailure` where all ranks know of it.
  public init(
    _ configuration: TuneConfiguration, dataset: DatasetPair? = nil,
    known: BackdoorMetrics? = nil, communicator: any Communicator,
    observer: any TrainingObserver
  ) throws {
    request = ArchiveRequest(
      headName: configuration.linearName, poolsStem: configuration.poolsStem)
    let archive = try AttackedArchive(
      path: configuration.archivePath, request: request, communicator: communicator)
    let reader = TuningSubjectReader(
      configuration: configuration.completed(by: archive.description),
      communicator: communicator, observer: observer)
    try communicator.together { try reader.requireAgreement(with: archive) }
    let images = try communicator.together {
      try dataset
        ?? reader.loadDataset(
          size: archive.description.size(given: configuration.imageSide))
    }
    attacked = try AttackedModel(archive, for: images.test, communicator: communicator)
    (self.dataset, self.known) = (images, known)
    sets = try reader.testSets(images.test, of: attacked)
    normalization = reader.configuration.pixelStatistics.normalization(
      of: reader.configuration.dataset)
  }

  /// The model of the archive at `path` in the place of that of `other`, whose images it shares: what
  /// a defence has left, for a test of it.
  init(
    _ path: String, like other: TuningSubject, known: BackdoorMetrics?,
    communicator: any Communicator
  ) throws {
    try communicator.onRankZero { try DefenceStartError.requireStart(path) }
    request = other.request
    let archive = try AttackedArchive(path: path, request: request, communicator: communicator)
    attacked = try AttackedModel(archive, for: other.dataset.test, communicator: communicator)
    (dataset, sets, normalization) = (other.dataset, other.sets, other.normalization)
    self.known = known
  }

  /// The attacked model's C-ACC, ASR and RA, evaluated by the first call; all ranks call it.
  func metrics(
    batchSize: Int, context: ComputeContext, communicator: any Communicator,
    observer: any TrainingObserver
  ) throws -> BackdoorMetrics {
    if let known { return known }
    let evaluator = Evaluator(
      model: attacked.model, batchSize: batchSize, normalization: normalization,
      communicator: communicator, context: context, observer: observer, name: attacked.path)
    let metrics = try evaluator.run(sets).metrics
    if communicator.rank == 0, let line = attacked.guessing(metrics) {
      observer.observe(.warning(line))
    }
    known = metrics
    return metrics
  }
}

/// Reads what a `TuningSubject` is made of.
private struct TuningSubjectReader {
  let configuration: TuneConfiguration
  let communicator: any Communicator
  let observer: any TrainingObserver

  private func tell(_ event: TrainingEvent) {
    if communicator.rank == 0 { observer.observe(event) }
  }

  /// Throws where a setting that was given is not what the archive says.
  func requireAgreement(with archive: AttackedArchive) throws {
    let (path, description) = (archive.path, archive.description)
    description.origins(
      of: path, dataset: configuration.dataset, statistics: configuration.pixelStatistics,
      isDatasetGiven: !configuration.keysOfArchive.contains("dataset")
    ).forEach(tell)
    // The originals have two networks of some names.
    let isMeant = description.isCalled(configuration.model.rawValue)
    var pairs = [
      (
        "model", description.modelName,
        isMeant ? description.modelName : configuration.model.rawValue
      ),
      ("width", "\(description.width)", "\(configuration.width ?? description.width)"),
    ]
    if let dataset = description.cleanData, !mayStand(for: dataset) {
      pairs.append(("clean_data", dataset, configuration.dataset))
    }
    if description.hasTriggeredImages {
      pairs.append(
        (
          "attack_label_trans", description.labelTransform.rawValue,
          configuration.labelTransform.rawValue
        ))
    }
    if let target = description.target {
      pairs.append(("attack_target", "\(target)", "\(configuration.attackTarget)"))
    }
    if let attack = description.attack.flatMap(AttackName.init(rawValue:)) {
      pairs.append(("attack", attack.rawValue, (configuration.attack ?? attack).rawValue))
    }
    for (key, archive, given) in pairs where archive != given {
      throw AttackedModelError.differs(path: path, key: key, archive: archive, given: given)
    }
  }

  /// Whether images of the user's own may be those of a dataset that has no name here.
  private func mayStand(for dataset: String) -> Bool {
    Datasets.named(dataset) == nil && Datasets.named(configuration.dataset)?.isUsersOwn == true
  }

  func loadDataset(size: ImageSize?) throws -> DatasetPair {
    let pair = try DatasetLoader.load(
      name: configuration.dataset, path: configuration.datasetPath, size: size,
      seed: AttackData.syntheticSeed,
      threads: ThreadCount.resolve(requested: configuration.threads),
      progress: observer.reading(on: communicator))
    pair.warnings.forEach { tell(.warning($0)) }
    return pair
  }

  /// The clean test images with the triggered ones: those beside the archive, or the trigger
  /// applied anew where its own flags are given or no images are there.
  func testSets(_ test: LabeledImages, of attacked: AttackedModel) throws -> TestSets {
    let labels = try communicator.together {
      try LabelTransform(
        configuration.labelTransform, target: configuration.attackTarget,
        classCount: test.classCount)
    }
    let source = TriggeredTestImages(
      attacked: attacked, clean: test, labels: labels, communicator: communicator)
    let triggered = try triggeredImages(source)
    if let triggered, let line = source.mismatch(of: triggered) { tell(.warning(line)) }
    return TestSets(
      clean: test, triggered: triggered?.images ?? test.selecting([]),
      triggeredOriginalLabels: triggered?.originalLabels ?? [])
  }

  private func triggeredImages(_ source: TriggeredTestImages) throws -> PoisonedDataset? {
    let given = configuration.keysOfArchive.contains("attack") ? nil : configuration.attack
    if configuration.appliesTrigger, let given { return try anew(given, source) }
    let isTargetGiven = !configuration.keysOfArchive.contains("attack_target")
    switch try source.beside(isTargetGiven: isTargetGiven) {
    case .images(let images): return images
    case .absent(let problem):
      guard let given, configuration.resultPath != nil else {
        tell(.warning("\(problem): no ASR; --result and --attack apply the trigger anew"))
        return nil
      }
      tell(.warning("\(problem): the trigger of \(given.rawValue) is applied anew"))
      return try anew(given, source)
    }
  }

  private func anew(_ attack: AttackName, _ source: TriggeredTestImages) throws -> PoisonedDataset {
    let description = source.attacked.description
    if let line = description.absence(of: attack, given: configuration.settings) {
      tell(.warning(line))
    }
    return try applied(attack, source)
  }

  private func applied(
    _ attack: AttackName, _ source: TriggeredTestImages
  ) throws -> PoisonedDataset {
    try communicator.together {
      try source.anew(
        source.attacked.description.settings(of: attack, given: configuration.settings),
        normalization: configuration.pixelStatistics.normalization(of: configuration.dataset))
    }
  }
}
