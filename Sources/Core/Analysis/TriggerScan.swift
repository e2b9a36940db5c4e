import Distributed
import Foundation

/// Whether an archive's model has a backdoor, and into which class: `fst scan`.
///
/// Reverses the trigger of every class from clean images and looks for masks that are far too small;
/// no triggered image is needed.
public struct TriggerScan {
  private let configuration: ScanConfiguration
  private let stage: Stage

  /// What a scan has found.
  public struct Outcome: Sendable {
    /// The verdict, the masks' sizes in it.
    public var verdict: ReversalVerdict
    /// The classes' names.
    public var classNames: [String]
    /// The picture that was written; nil where none was asked for.
    public var picture: String?
  }

  /// A scan as `configuration` says, told of to `observer` on rank 0.
  public init(
    _ configuration: ScanConfiguration, communicator: any Communicator,
    observer: any TrainingObserver
  ) {
    self.configuration = configuration
    stage = Stage(
      communicator: communicator, observer: observer, interruption: Interruption())
  }

  private var communicator: any Communicator { stage.communicator }
  private var place: EvaluateConfiguration { configuration.evaluation }

  /// Scans the model; throws one-line errors, `SharedFailure` where all ranks know of it.
  public func run() throws -> Outcome {
    try communicator.requireSameStart(settings: configuration.sharedSettings)
    if let output = configuration.output {
      try communicator.onRankZero { try FeatureSheetError.requirePlace(output) }
    }
    let archive = try AttackedArchive(
      path: place.archive, request: ArchiveRequest(poolsStem: place.poolsStem),
      communicator: communicator)
    let (train, normalization, dataset) = try cleanImages(for: archive)
    let attacked = try AttackedModel(archive, for: train, communicator: communicator)
    let indices = TuningSet.random(
      count: train.count, ratio: configuration.ratio, seed: Int(configuration.randomSeed))
    try communicator.together { try Self.requireImages(indices, ratio: configuration.ratio) }
    let images = train.selecting(indices)
    try communicator.requireAgreement(onEach: [("clean images", images.checksum)])
    stage.tell(
      .message(
        "reversing the triggers of \(images.classCount) classes from \(images.count) clean images, "
          + "\(configuration.reversal.epochs) epochs each at most"))
    let triggers =
      try TriggerReversal(
        network: attacked.model, images: images, settings: configuration.reversal,
        normalization: normalization,
        augmentation: configuration.augment ? Datasets.known(dataset).augmentation : nil,
        batchSize: place.batchSize, seed: configuration.randomSeed, stage: stage,
        context: ComputeContext(
          threads: ThreadCount.resolve(requested: place.threads), convolution: place.convolution,
          precision: place.precision)
      ).run() ?? []
    let verdict = ReversalVerdict(triggers, settings: configuration.reversal)
    try communicator.onRankZero {
      guard let path = configuration.output else { return }
      let sheet = try ReversedTriggerSheet.image(of: triggers, verdict: verdict)
      try ImageFile.writePNGAtomically(sheet, to: path)
    }
    return Outcome(
      verdict: verdict, classNames: images.classNames, picture: configuration.output)
  }

  /// The training images of the archive's dataset, or of the one given, and how they are scaled.
  private func cleanImages(
    for archive: AttackedArchive
  ) throws -> (LabeledImages, Normalization, dataset: String) {
    let description = archive.description
    let dataset = place.dataset ?? description.cleanData ?? Datasets.usual.name
    let statistics = place.pixelStatistics.completed(by: description.pixelStatistics)
    description.origins(
      of: place.archive, dataset: dataset, statistics: statistics,
      isDatasetGiven: place.dataset != nil
    ).forEach(stage.tell)
    let folder = description.dataPath(given: place.datasetPath, archive: place.archive)
    if place.datasetPath == nil, let line = description.foundElsewhere(folder) {
      stage.tell(.message(line))
    }
    let pair = try communicator.together {
      try DatasetLoader.load(
        name: dataset, path: folder, size: description.size(given: place.imageSide),
        seed: AttackData.syntheticSeed,
        threads: ThreadCount.resolve(requested: place.threads),
        isArchivedPath: place.datasetPath == nil, progress: stage.reading)
    }
    pair.warnings.forEach { stage.tell(.warning($0)) }
    if let line = statistics.assumption(of: dataset) { stage.tell(.message(line)) }
    return (pair.train, statistics.normalization(of: dataset), dataset)
  }

  private static func requireImages(_ indices: [Int], ratio: Double) throws {
    guard indices.isEmpty else { return }
    throw ConfigError.invalidValue(
      key: "ratio", origin: .flag, expected: "a share that leaves at least one image",
      found: "\(ratio)")
  }
}
