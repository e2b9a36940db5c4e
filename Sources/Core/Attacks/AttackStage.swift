import Distributed

/// What an attack is handed to prepare its training: settings, images, ranks, and who is told.
package struct AttackStage {
  /// All settings of the run.
  package let configuration: AttackConfiguration
  /// The clean images, until they are handed over to be poisoned.
  private let images: CleanImages
  /// Where the run takes place.
  package let stage: Stage

  /// The ranks that run it.
  package var communicator: any Communicator { stage.communicator }
  /// A stage with `dataset`, which it alone has if the caller hands it over.
  package init(
    configuration: AttackConfiguration, dataset: consuming DatasetPair, stage: Stage
  ) {
    (self.configuration, self.stage) = (configuration, stage)
    images = CleanImages(dataset)
  }

  /// The clean images; none are left after `preparation`.
  package var dataset: DatasetPair { images.pair }
  /// Rows of an image.
  package var height: Int { images.height }
  /// Columns of an image.
  package var width: Int { images.width }
  /// How pixels become the model's inputs.
  package var normalization: Normalization { configuration.normalization }

  /// Training with images that `trigger` is put into before the first step.
  ///
  /// The stage hands its images over, so that a large dataset is poisoned in place.
  package func preparation(
    trigger: any Trigger, artefacts: [Artefact] = []
  ) throws -> Preparation {
    // Ranks fail together, with one message.
    let data = try communicator.together {
      try AttackData(configuration, dataset: images.take(), trigger: trigger)
    }
    return Preparation(data, artefacts: artefacts)
  }

  /// The archive of a clean model of these settings: the one `given`, else one that is trained in a
  /// folder which every attack that needs it shares.
  ///
  /// Throws `PreparationStopped`, on all ranks alike, where a signal stopped the training.
  package func cleanModel(given: String?) throws -> String {
    if let given { return given }
    let clean = configuration.cleanModel
    stage.tell(
      .message(
        "\(configuration.attack.rawValue) needs a clean model: training it in \(clean.folder) "
          + "(or give --clean_model)"))
    let outcome = try BackdoorAttack(
      clean, dataset: DatasetPair(train: dataset.train, test: dataset.test), stage: stage
    ).train(by: clean.settings.chosen, since: .now)
    if outcome.stopped != nil { throw PreparationStopped(outcome: outcome) }
    return "\(clean.folder)/attack_result.pt"
  }

  /// Whether the folder holds a checkpoint that this run goes on from; asked on rank 0 alone.
  package var isContinued: Bool {
    guard configuration.resume != .off else { return false }
    let identity = configuration.identity(worldSize: communicator.worldSize)
    return CheckpointFolder(path: configuration.folder, keep: 1).files.contains { file in
      (try? Checkpoint.read(path: file).requireSettings(of: identity, path: file)) != nil
    }
  }
}

extension AttackConfiguration {
  /// The training of the clean model that some attacks make their trigger from.
  ///
  /// The same settings without poison, in a folder of its own that every such run of these settings
  /// shares: `record/<dataset>/clean/width_<w>-archi_<model>`. It always goes on from what is there,
  /// so a finished model is only read, and one of other settings is moved aside.
  package var cleanModel: AttackConfiguration {
    var clean = self
    clean.settings = AttackSettings(.first)
    clean.poisonRatio = 0
    (clean.attackTarget, clean.labelTransform) = (0, .all2one)
    clean.saveFolderName = "\(dataset)/clean/width_\(width)-archi_\(model.rawValue)"
    (clean.resume, clean.timelinePath, clean.frequencySave) = (.auto, nil, 0)
    clean.noteArguments()
    return clean
  }

  /// Notes all settings as the run's arguments.
  mutating func noteArguments() {
    let settings = self
    arguments = Self.fields.map { ConfigArgument(key: $0.key, value: $0.value(settings)) }
      .filter { $0.value != .null }
  }

  /// How pixels become the model's inputs.
  var normalization: Normalization {
    pixelStatistics.normalization(of: dataset)
  }
}

/// The clean images of a run, which whoever poisons them takes.
private final class CleanImages {
  private var held: DatasetPair?
  let height: Int, width: Int

  init(_ pair: consuming DatasetPair) {
    (height, width) = (pair.train.height, pair.train.width)
    held = consume pair
  }

  var pair: DatasetPair {
    guard let held else { preconditionFailure("the clean images have been handed over") }
    return held
  }

  func take() -> DatasetPair {
    guard let pair = held.take() else {
      preconditionFailure("the clean images have been handed over")
    }
    return pair
  }
}
