import Distributed

extension AttackConfiguration {
  /// The training of the clean model that trojannn's trigger is made from.
  ///
  /// The same settings without poison, in a folder of its own that every trojannn run of these
  /// settings shares: `record/<dataset>/clean/width_<w>-archi_<model>`. It always goes on from what
  /// is there, so a finished model is only read, and one of other settings is moved aside.
  package var cleanModel: AttackConfiguration {
    var clean = self
    (clean.attack, clean.poisonRatio) = (.badnet, 0)
    (clean.attackTarget, clean.labelTransform) = (0, .all2one)
    (clean.patchMaskPath, clean.triggerImagePath, clean.trojan) = (nil, nil, TrojanSettings())
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

extension BackdoorAttack {
  /// trojannn's trigger image, the same on all ranks; nil where the training of the clean model was
  /// interrupted, with what that came to.
  ///
  /// It is the one that was given, the one of the run that is gone on with, or is made from a clean
  /// model.
  func trojanImage(
    for dataset: DatasetPair
  ) throws -> (image: RGBImage?, interrupted: AttackOutcome?) {
    let folder = configuration.folder
    let known = try communicator.fromRankZero {
      let given = configuration.triggerImagePath
      return try given != nil || isContinued ? TrojanImage.read(given: given, folder: folder) : nil
    }
    if let known { return (known, nil) }
    let archive: String
    if let given = configuration.trojan.cleanModelPath {
      archive = given
    } else {
      let clean = configuration.cleanModel
      tell(
        .message(
          "trojannn needs a clean model: training it in \(clean.folder) (or give --clean_model)"))
      let outcome = try BackdoorAttack(
        clean, communicator: communicator, observer: observer, interruption: interruption
      ).run(on: DatasetPair(train: dataset.train, test: dataset.test))
      if outcome.stopped != nil { return (nil, outcome) }
      archive = "\(clean.folder)/attack_result.pt"
    }
    let image = try TrojanImage.make(
      from: archive, for: configuration, images: dataset.train, communicator: communicator,
      observer: observer)
    return (image, nil)
  }

  /// Whether the folder holds a checkpoint that this run goes on from; asked on rank 0 alone.
  private var isContinued: Bool {
    guard configuration.resume != .off else { return false }
    let identity = configuration.identity(worldSize: communicator.worldSize)
    return CheckpointFolder(path: configuration.folder, keep: 1).files.contains { file in
      (try? Checkpoint.read(path: file).requireSettings(of: identity, path: file)) != nil
    }
  }
}
