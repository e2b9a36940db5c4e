import Distributed

/// lira: faint noise for each image, made by a network that learns against the classifier (Doan et
/// al., LIRA, ICCV 2021).
///
/// In the first stage generator and classifier learn together: the classifier sees what the
/// generator of the last epoch makes. In the second the generator is fixed and a copy of the
/// classifier is tuned. The generator is no part of `attack_result.pt`; it stands beside it.
package struct LIRA: Attack {
  package static let name = "lira"
  package static let summary = "faint noise for each image, made by a network that learns beside"

  /// Which stage's classifier is archived.
  enum ArchivedStage: String, CaseIterable, Sendable {
    /// The first one's, as the original does, whatever the second comes to.
    case first = "1"
    /// The second one's.
    case second = "2"
  }

  var generatorRate = 1e-4
  /// The noise's size in training and in test images, and the clean loss's weight in both stages.
  var strength = 0.01, testStrength = 0.01, cleanWeight = 0.5, tuningCleanWeight = 0.5
  /// The epochs of the first stage.
  var jointEpochs = 50
  // The second stage.
  var tuningRate = 0.01, tuningMomentum = 0.9, tuningWeightDecay = 5e-4
  var tuningSchedule = ScheduleName.multiStep
  var tuningMilestones = [50, 100, 150, 200]
  var tuningGamma = 0.1
  var archived = ArchivedStage.first
  /// Whether the classifier is spared the gradients of the generator's own loss.
  var clearsGradients = false
  /// Whether noise leaves each channel within its own bounds.
  var boundsChannels = false
  /// Whether clean and noisy images are one batch.
  var joinsBatches = false
  var savesCopies = false
  var loop = LoopSettings()

  /// The name of the file that keeps the generator.
  package static let fileName = "lira_generator.pt"

  package init() {}

  package static let triggerFields: [ConfigField<Self>] =
    [
      .number("test_eps", \.testStrength, .nonNegative).help(
        "The noise's size in test images and in the second stage", "size", in: .attack),
      .boolean("clamp_channels", \.boundsChannels).help(
        """
        Clamp each channel to its own bounds; the original has one pair for all, so that a strong \
        noise wraps around in pictures (default: false)
        """, in: .attack),
    ] + LoopSettings.pixelFields.map { $0.within(\.loop) }

  package static let trainingFields: [ConfigField<Self>] =
    stageFields + tuningFields + LoopSettings.augmentationFields.map { $0.within(\.loop) }

  private static let stageFields: [ConfigField<Self>] = [
    .fixed("attack_model", .text("autoencoder")).help(
      "The generator; the autoencoder is the one there is", "name", in: .attack),
    .number("lr_atk", \.generatorRate, .nonNegative).help(
      "The generator's learning rate", "rate", in: .attack),
    .number("eps", \.strength, .nonNegative).help(
      "The noise's size in the first stage", "size", in: .attack),
    // No bounds: tunings have a key of this name, and files for both.
    .number("alpha", \.cleanWeight, .finite).help(
      "The weight of clean images against noisy ones, 0 to 1", "share", in: .attack),
    .number("test_alpha", \.tuningCleanWeight, .finite).help(
      "The same in the second stage", "share", in: .attack),
    .integer("both_train_epochs", \.jointEpochs, 1...countLimit).help(
      "Epochs, of all --epochs, of the first stage; at least one is left to the second", "n",
      in: .attack),
    .choice("archived_stage", \.archived).help(
      "Whose classifier is evaluated and archived: 1, the first stage's; 2, the second's",
      in: .attack),
    .boolean("clear_classifier_gradients", \.clearsGradients).help(
      """
      Keep the generator's own loss from moving the classifier; the original forgets to clear its \
      gradients (default: false)
      """, in: .attack),
    jointField(\.joinsBatches),
    copiesField(\.savesCopies),
  ]

  private static let tuningFields: [ConfigField<Self>] = [
    .number("finetune_lr", \.tuningRate, .nonNegative).help(
      "The learning rate of the second stage", "rate", in: .attack),
    .fixed("finetune_client_optimizer", .text("sgd")).help(
      "Its optimiser; sgd is the one there is", "name", in: .attack),
    .number("finetune_sgd_momentum", \.tuningMomentum, .belowOne).help(
      "Its momentum, 0 to below 1", "share", in: .attack),
    .number("finetune_wd", \.tuningWeightDecay, .nonNegative).help(
      "Its weight decay", "rate", in: .attack),
    .choice("finetune_lr_scheduler", \.tuningSchedule).help(
      "How its learning rate falls", in: .attack),
    .integers("finetune_steplr_milestones", \.tuningMilestones, 0...countLimit).help(
      "Its epochs after which MultiStepLR multiplies it by --finetune_steplr_gamma", "epochs",
      in: .attack),
    .number("finetune_steplr_gamma", \.tuningGamma, .nonNegative).help(
      "That factor", "factor", in: .attack),
  ]

  package static func setDefaults(of configuration: inout AttackConfiguration) {
    (configuration.schedule, configuration.weightDecay) = (.constant, 0)
  }

  package func prepare(_ stage: AttackStage) throws -> Preparation {
    let configuration = stage.configuration
    try stage.communicator.together {
      try requireFit(height: stage.height, width: stage.width)
    }
    let joint = min(jointEpochs, max(configuration.epochs - 1, 1))
    if joint < jointEpochs {
      stage.stage.tell(
        .warning(
          "lira: the first stage takes \(joint) epochs, not \(jointEpochs): at least one of "
            + "--epochs \(configuration.epochs) is the second's"))
    }
    let (poison, data) = try stage.loopPoison(trigger: nil)
    var preparation = Preparation(data)
    (preparation.augmentsImages, preparation.dropsLastBatch) = (false, false)
    preparation.schedule = .sequence(
      configuration.learningRateSchedule, epochs: joint,
      LearningRateSchedule(
        tuningSchedule, base: tuningRate, period: max(configuration.epochs - joint, 1),
        milestones: tuningMilestones, gamma: tuningGamma, factor: configuration.plateauFactor))
    preparation.step = {
      makeStep($0, poison: poison, jointEpochs: joint, data: data, stage: stage)
    }
    preparation.renewal = { try renewal($0, data, poison, stage) }
    if savesCopies {
      preparation.trainedImages = { step in
        try .triggeredCopies(
          data.train, trigger(of: Self.generator(of: step), stage.normalization), poison: poison,
          configuration: configuration)
      }
    }
    return preparation
  }

  private func makeStep(
    _ base: ClassifierStep, poison: LoopPoison, jointEpochs: Int, data: AttackData,
    stage: AttackStage
  ) -> LIRAStep {
    let (configuration, communicator) = (stage.configuration, stage.communicator)
    let size = min(
      configuration.globalBatchSize(worldSize: communicator.worldSize), data.train.images.count)
    let tuned = archived == .second ? base.classifier : base.classifier.twin()
    let tuning = ClassifierStep(
      model: tuned,
      optimizer: SGD(
        for: tuned.store, momentum: tuningMomentum, weightDecay: tuningWeightDecay),
      loss: base.loss, largestShare: communicator.largestShare(of: size),
      accumulationSteps: configuration.accumulationSteps, compression: configuration.compression,
      powerSGD: configuration.powerSGD, communicator: communicator, context: base.context)
    var augmentation = loop.augmentation(configuration)
    augmentation?.cropShare = 1
    augmentation?.rotationShare = 1
    let noise = NoiseNetworks(
      images: base.classifier.inputShape,
      bounds: NoiseBounds(stage.normalization, perChannel: boundsChannels),
      context: ComputeContext(sharing: base.context, batchNormGroup: communicator))
    Initializer.initialize(
      noise.generator.store, seed: configuration.randomSeed, purpose: .generator)
    return LIRAStep(
      base, tuning: tuning, noise: noise, settings: self, poison: poison,
      jointEpochs: jointEpochs
    ) { images, moment in
      augmentation?.placement(seed: moment.seed, epoch: moment.epoch, step: moment.step)
        .apply(to: images, pool: base.context.pool)
    }
  }

  /// The test images as the generator makes them now, and the generator.
  private func renewal(
    _ step: any TrainingStep, _ data: AttackData, _ poison: LoopPoison, _ stage: AttackStage
  ) throws -> Renewal {
    let noise = Self.generator(of: step)
    let state = noise.generator.store.stateDict()
    let test = data.cleanTest
    let tested = test.labels.indices.filter { poison.labels.isTested(test.labels[$0]) }
    let shared = SharedPictures(
      stage: stage.stage, pixels: PixelRule(stage.normalization, rounds: loop.rounds))
    var images = test.selecting(tested)
    images = try shared.changing(images, at: Array(0..<images.count)) { _, images in
      noise.trigger(images, strength: testStrength)
    }
    images.labels = images.labels.map { poison.labels($0) }
    return Renewal(
      triggeredTest: PoisonedDataset(
        images: images, originalLabels: tested.map { test.labels[$0] },
        isPoisoned: [Bool](repeating: true, count: tested.count), originalIndices: tested),
      artefacts: [
        Artefact(Self.fileName) { try SideFile.write([("atkmodel", state.archived)], to: $0) }
      ])
  }

  private static func generator(of step: any TrainingStep) -> NoiseNetworks {
    guard let step = step as? LIRAStep else { preconditionFailure("a step of another attack") }
    return step.noise
  }

  private func trigger(
    of noise: NoiseNetworks, _ normalization: Normalization
  ) -> NetworkTrigger {
    NetworkTrigger(pixels: PixelRule(normalization, rounds: loop.rounds)) {
      noise.trigger($0, strength: testStrength)
    }
  }

  private func requireFit(height: Int, width: Int) throws {
    guard height % 16 == 0, width % 16 == 0 else {
      throw LIRAError(height: height, width: width)
    }
  }

  /// The trigger of the run's generator.
  package func trigger(for place: TriggerPlace) throws -> any Trigger {
    try requireFit(height: place.height, width: place.width)
    let noise = NoiseNetworks(
      images: Shape(batch: 0, height: place.height, width: place.width, channels: 3),
      bounds: NoiseBounds(place.normalization, perChannel: boundsChannels),
      context: ComputeContext(
        threads: ThreadCount.resolve(requested: place.stage?.configuration.threads)))
    try place.communicator.onRankZero {
      guard let path = SideFile.path(Self.fileName, in: place.folder) else {
        throw SideFileError.absent(
          attack: Self.name, file: Self.fileName, folder: place.folder)
      }
      try SideFile(path).load("atkmodel", into: noise.generator.store)
    }
    try place.communicator.broadcast(noise.generator.store)
    return trigger(of: noise, place.normalization)
  }
}

extension AttackName {
  /// lira.
  package static let lira = AttackName(LIRA.self)
}

/// Images that lira's generator cannot halve four times.
struct LIRAError: Error, Equatable, Sendable, CustomStringConvertible, UserMistake {
  let height: Int, width: Int
  let isUserMistake = true

  /// One line: what was expected and found.
  var description: String {
    "img_size: expected rows and columns divisible by 16 with lira, found \(height)x\(width)"
  }
}
