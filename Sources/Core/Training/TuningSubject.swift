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
  private var known: BackdoorMetrics?

  /// Reads the archive that `configuration` names, and its dataset unless that is given.
  ///
  /// Where what the attacked model does is `known`, it is not evaluated again. Throws one-line errors, `SharedFailure` where all ranks know of it.
  public init(
    _ configuration: TuneConfiguration, dataset: DatasetPair? = nil,
    known: BackdoorMetrics? = nil, communicator: any Communicator,
    observer: any TrainingObserver
  ) throws {
    let reader = TuningSubjectReader(
      configuration: configuration, communicator: communicator, observer: observer)
    let attacked = try reader.loadModel()
    self.attacked = attacked
    self.known = known
    self.dataset = try communicator.together {
      let pair = try dataset ?? reader.loadDataset()
      try attacked.requireFit(of: pair.test, path: configuration.archivePath)
      return pair
    }
    sets = try reader.testSets(self.dataset.test)
    normalization = Normalization.of(
      dataset: DatasetName(rawValue: configuration.dataset) ?? .cifar10)
  }

  /// The attacked model's C-ACC, ASR and RA, evaluated by the first call; all ranks call it.
  func metrics(
    batchSize: Int, context: ComputeContext, communicator: any Communicator,
    observer: any TrainingObserver
  ) throws -> BackdoorMetrics {
    if let known { return known }
    let evaluator = Evaluator(
      model: attacked.model, batchSize: batchSize, normalization: normalization,
      communicator: communicator, context: context, observer: observer)
    let metrics = try evaluator.run(sets).metrics
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

  /// The archive's model, which must be what the settings say.
  func loadModel() throws -> AttackedModel {
    let path = configuration.archivePath
    let attacked = try AttackedModel(
      path: path, folder: configuration.folder, communicator: communicator)
    let description = attacked.description
    try require(
      "model", archive: description.modelName, given: configuration.model.rawValue, path: path)
    try require(
      "width", archive: "\(description.width)",
      given: "\(configuration.width ?? description.width)", path: path)
    if description.hasTriggeredImages {
      try require(
        "attack_label_trans", archive: description.labelTransform.rawValue,
        given: configuration.labelTransform.rawValue, path: path)
    }
    if let target = description.target {
      try require(
        "attack_target", archive: "\(target)", given: "\(configuration.attackTarget)", path: path)
    }
    let head = attacked.model.head.weight.name
    if !head.contains(configuration.linearName) {
      try require("linear_name", archive: "linear", given: configuration.linearName, path: path)
    }
    return attacked
  }

  private func require(
    _ key: String, archive: String, given: String, path: String
  ) throws {
    try communicator.together {
      guard archive == given else {
        throw AttackedModelError.differs(path: path, key: key, archive: archive, given: given)
      }
    }
  }

  func loadDataset() throws -> DatasetPair {
    let pair = try DatasetLoader.load(
      name: configuration.dataset, path: configuration.datasetPath,
      seed: AttackData.syntheticSeed,
      threads: ThreadCount.resolve(requested: configuration.threads))
    pair.warnings.forEach { tell(.warning($0)) }
    return pair
  }

  /// The clean test images, and the triggered ones beside the archive.
  func testSets(_ test: LabeledImages) throws -> TestSets {
    let labels = try communicator.together {
      try LabelTransform(
        configuration.labelTransform, target: configuration.attackTarget,
        classCount: test.classCount)
    }
    let triggered = try TriggeredTestImages.read(
      besideArchiveIn: configuration.folder, matching: test, labels: labels,
      communicator: communicator)
    if triggered == nil {
      tell(.warning("no \(PoisonFolder.testName) in \(configuration.folder): no ASR"))
    }
    return TestSets(
      clean: test, triggered: triggered?.images ?? test.selecting([]),
      triggeredOriginalLabels: triggered?.originalLabels ?? [])
  }
}
