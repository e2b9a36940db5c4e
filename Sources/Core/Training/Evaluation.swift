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
    return try prepared.evaluator.run(prepared.sets).metrics
  }

  /// Reads model and images, and compares them over the ranks: all that is to be done before any
  /// image is classified.
  func prepare() throws -> PreparedEvaluation {
    let path = configuration.archive
    let folder = Self.attackFolder(of: path)
    let attacked = try AttackedModel(path: path, folder: folder, communicator: communicator)
    let dataset = configuration.dataset ?? attacked.description.cleanData
    let test = try communicator.together {
      try DatasetLoader.load(
        name: dataset.isEmpty ? "cifar10" : dataset, path: dataPath(attacked, folder: folder),
        seed: AttackData.syntheticSeed
      ).test
    }
    try communicator.together { try attacked.requireFit(of: test, path: path) }
    let evaluator = Evaluator(
      model: attacked.model, batchSize: configuration.batchSize,
      normalization: Normalization.of(dataset: DatasetName(rawValue: dataset) ?? .cifar10),
      communicator: communicator,
      context: ComputeContext(
        threads: ThreadCount.resolve(requested: configuration.threads),
        convolution: configuration.convolution),
      observer: observer)
    let prepared = try communicator.together {
      let labels = try labelTransform(attacked)
      return PreparedEvaluation(
        attacked: attacked, evaluator: evaluator, test: test, labels: labels,
        triggered: try triggeredImages(test, labels: labels, folder: folder))
    }
    try communicator.requireAgreement(onEach: prepared.sets.checksums)
    try ReplicaWatch(attacked.model.store, communicator: communicator).verify("at the start")
    return prepared
  }

  private func triggeredImages(
    _ test: LabeledImages, labels: LabelTransform, folder: String
  ) throws -> PoisonedDataset? {
    let beside = try TriggeredTestImages.read(
      besideArchiveIn: folder, matching: test, labels: labels, communicator: communicator)
    if let beside { return beside }
    if let attack = configuration.attack {
      var settings = configuration.triggerSettings
      if attack == .trojannn {
        settings.trojanImage = try communicator.fromRankZero {
          try TrojanImage.read(given: settings.triggerImagePath, folder: folder)
        }
      }
      let trigger = try AttackTrigger(
        attack, settings: settings, height: test.height, width: test.width)
      return PoisonedDataset.test(test, trigger: trigger.trigger, labels: labels)
    }
    if communicator.rank == 0 {
      observer.observe(
        .warning(
          "no \(PoisonFolder.testName) beside the archive: clean images only; "
            + "give --attack to apply the trigger anew"))
    }
    return nil
  }

  /// What the archive says its triggered images are to be taken for, else what was given.
  private func labelTransform(_ attacked: AttackedModel) throws -> LabelTransform {
    let description = attacked.description
    guard description.hasTriggeredImages else {
      return try LabelTransform(
        configuration.labelTransform, target: configuration.attackTarget,
        classCount: description.classCount)
    }
    return try LabelTransform(
      description.labelTransform, target: description.target ?? 0,
      classCount: description.classCount)
  }

  /// The folder given, else where the archive's own is found.
  private func dataPath(_ attacked: AttackedModel, folder: String) -> String {
    if let path = configuration.datasetPath { return path }
    let archived = attacked.description.dataPath
    return ArchivedPath.findData(archived, archive: "\(folder)/attack_result.pt")
      ?? (archived.isEmpty ? "./data" : archived)
  }

  /// The attack's folder: the archive's, or for `…/defense/<mode>/defense_result.pt` three above
  /// it.
  static func attackFolder(of path: String) -> String {
    let folder = (path as NSString).deletingLastPathComponent
    let parent = (folder as NSString).deletingLastPathComponent
    if (parent as NSString).lastPathComponent == "defense" {
      let attack = (parent as NSString).deletingLastPathComponent
      return attack.isEmpty ? "." : attack
    }
    return folder.isEmpty ? "." : folder
  }
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

extension AttackedModel {
  /// Throws unless images of this kind can be put into the model.
  func requireFit(of images: LabeledImages, path: String) throws {
    let shape = model.inputShape
    let expected = "\(shape.height)x\(shape.width)"
    guard images.height == shape.height && images.width == shape.width else {
      throw AttackedModelError.differs(
        path: path, key: "img_size", archive: expected,
        given: "a dataset of \(images.height)x\(images.width)")
    }
    guard images.classCount == model.head.outputs else {
      throw AttackedModelError.differs(
        path: path, key: "num_classes", archive: "\(model.head.outputs)",
        given: "a dataset of \(images.classCount)")
    }
  }
}
