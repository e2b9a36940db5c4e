import Distributed

/// What an attack is handed to prepare its training: settings, images, ranks, and who is told.
package struct AttackStage {
  /// All settings of the run.
  package let configuration: AttackConfiguration
  /// The clean images.
  package let dataset: DatasetPair
  /// Where the run takes place.
  package let stage: Stage

  /// The ranks that run it.
  package var communicator: any Communicator { stage.communicator }
  /// Rows of an image.
  package var height: Int { dataset.train.height }
  /// Columns of an image.
  package var width: Int { dataset.train.width }
  /// How pixels become the model's inputs.
  package var normalization: Normalization { configuration.normalization }

  /// Training with images that `trigger` is put into before the first step.
  package func preparation(
    trigger: any Trigger, artefacts: [Artefact] = []
  ) throws -> Preparation {
    Preparation(
      try AttackData(configuration, dataset: dataset, trigger: trigger), artefacts: artefacts)
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
    ).train(since: .now)
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
    clean.arguments = Self.fields.map { ConfigArgument(key: $0.key, value: $0.value(clean)) }
      .filter { $0.value != .null }
    return clean
  }

  /// How pixels become the model's inputs.
  var normalization: Normalization {
    pixelStatistics.normalization(of: dataset)
  }
}
