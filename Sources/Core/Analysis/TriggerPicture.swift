import Distributed

/// Draws an attack's trigger on test images and writes the sheet: `fst trigger`.
public struct TriggerPicture {
  private let configuration: AttackConfiguration
  private let path: String
  private let communicator: any Communicator
  private let observer: any TrainingObserver

  /// The picture of the trigger that `configuration` amounts to, a PNG at `path`.
  public init(
    _ configuration: AttackConfiguration, path: String, communicator: any Communicator,
    observer: any TrainingObserver
  ) {
    self.configuration = configuration
    self.path = path
    self.communicator = communicator
    self.observer = observer
  }

  /// Writes the picture; throws one-line errors, `SharedFailure` where all ranks know of it.
  ///
  /// The sheet is rank 0's, which alone writes; nil on the others.
  public func run() throws -> TriggerSheet? {
    try communicator.requireSameStart(settings: configuration.sharedSettings)
    let dataset = try communicator.together {
      try DatasetLoader.load(
        name: configuration.dataset, path: configuration.datasetPath,
        size: configuration.imageSide.map { ImageSize(side: $0) },
        seed: AttackData.syntheticSeed,
        threads: ThreadCount.resolve(requested: configuration.threads),
        progress: observer.reading(on: communicator))
    }
    let trigger = try trigger(dataset)
    var sheet: TriggerSheet?
    try communicator.onRankZero {
      let test = dataset.test
      let labels = try LabelTransform(
        configuration.labelTransform, target: configuration.attackTarget,
        classCount: test.classCount)
      let made = try TriggerSheet(
        test, at: TriggerSheet.choice(of: test, labels: labels), trigger: trigger)
      try ImageFile.writePNGAtomically(made.image, to: path)
      sheet = made
    }
    return sheet
  }

  private func trigger(_ dataset: DatasetPair) throws -> any Trigger {
    let stage = AttackStage(
      configuration: configuration, dataset: dataset,
      stage: Stage(
        communicator: communicator, observer: observer, interruption: Interruption()))
    var place = TriggerPlace(
      height: dataset.test.height, width: dataset.test.width, folder: configuration.folder,
      normalization: stage.normalization, communicator: communicator, stage: stage)
    place.testCount = dataset.test.count
    return try configuration.settings.chosen.trigger(for: place)
  }
}
