import Distributed

/// inputaware: a pattern and a mask for each image, made by networks (Nguyen and Tran, Input-Aware
/// Dynamic Backdoor Attack, NeurIPS 2020).
///
/// The mask network learns alone in the first epochs; then generator and classifier learn together.
/// Neither network is part of `attack_result.pt`; both stand beside it.
package struct InputAware: Attack {
  package static let name = "inputaware"
  package static let summary = "a pattern for each image, made by a network that learns beside"

  // The learning rates of classifier, generator and mask, and the epochs after which each is a tenth.
  var classifierRate = 0.01, generatorStart = 0.01, maskStart = 0.01
  var classifierMilestones = [100, 200, 300, 400]
  var generatorMilestones = [200, 300, 400, 500]
  var maskMilestones = [10, 20]
  var classifierGamma = 0.1, generatorGamma = 0.1, maskGamma = 0.1
  // The loss's weights, the share of an image that a mask is to show, and what keeps it finite.
  var diversityWeight = 1.0, normWeight = 100.0
  var density = 0.032, epsilon = 1e-7
  /// The epochs in which the mask alone learns.
  var maskEpochs = 25
  /// Whether the generator's gradients are cleared after each step, and tanh is applied once.
  var clearsGradients = false, appliesTanhOnce = false
  var loop = LoopSettings()

  /// The name of the file that keeps the networks.
  package static let fileName = "inputaware_generator.pt"

  package init() {}

  package static let triggerFields: [ConfigField<Self>] =
    [
      .boolean("single_tanh", \.appliesTanhOnce).help(
        """
        Apply tanh to patterns and masks once; the original does it twice, so that they reach only \
        0.119 to 0.881 (default: false)
        """, in: .attack)
    ] + LoopSettings.pixelFields.map { $0.within(\.loop) }

  package static let trainingFields: [ConfigField<Self>] = rateFields + lossFields

  private static let rateFields: [ConfigField<Self>] = [
    .number("lr_C", \.classifierRate, .nonNegative).help(
      "The classifier's learning rate, in place of --lr", "rate", in: .attack),
    .number("lr_G", \.generatorStart, .nonNegative).help(
      "The generator's learning rate", "rate", in: .attack),
    .number("lr_M", \.maskStart, .nonNegative).help(
      "The mask network's learning rate", "rate", in: .attack),
    .integers("schedulerC_milestones", \.classifierMilestones, 0...countLimit).help(
      "Joint epochs after which the classifier's falls", "epochs", in: .attack),
    .integers("schedulerG_milestones", \.generatorMilestones, 0...countLimit).help(
      "Joint epochs after which the generator's falls", "epochs", in: .attack),
    .integers("schedulerM_milestones", \.maskMilestones, 0...countLimit).help(
      "Epochs after which the mask network's falls", "epochs", in: .attack),
    .number("schedulerC_lambda", \.classifierGamma, .nonNegative).help(
      "The factor by which it falls", "factor", in: .attack),
    .number("schedulerG_lambda", \.generatorGamma, .nonNegative).help(
      "The factor by which it falls", "factor", in: .attack),
    .number("schedulerM_lambda", \.maskGamma, .nonNegative).help(
      "The factor by which it falls", "factor", in: .attack),
    .integer("clean_train_epochs", \.maskEpochs, 0...countLimit).help(
      """
      Epochs, of all --epochs, in which the mask network alone learns; at least one epoch is left \
      to the others
      """, "n", in: .attack),
  ]

  private static let lossFields: [ConfigField<Self>] = [
    .number("lambda_div", \.diversityWeight, .nonNegative).help(
      "The weight of patterns and masks that differ", "weight", in: .attack),
    .number("lambda_norm", \.normWeight, .nonNegative).help(
      "The weight of masks that show no more than --mask_density", "weight", in: .attack),
    .number("mask_density", \.density, .share).help(
      "The share of an image that a mask may show", "share", in: .attack),
    .number("EPSILON", \.epsilon, .positive).help(
      "What is added to a distance before it divides", "x", in: .attack),
    .boolean("clear_generator_gradients", \.clearsGradients).help(
      """
      Clear the generator's gradients after each step; the original adds up those of all steps \
      (default: false)
      """, in: .attack),
  ]

  /// The mask's learning rate in `epoch`.
  func maskRate(epoch: Int) -> Double {
    LearningRateSchedule.multiStep(base: maskStart, milestones: maskMilestones, gamma: maskGamma)
      .rate(epoch: epoch, step: 0, stepsPerEpoch: 1, epochs: 1)
  }

  /// The generator's learning rate in joint epoch `epoch`.
  func generatorRate(epoch: Int) -> Double {
    LearningRateSchedule.multiStep(
      base: generatorStart, milestones: generatorMilestones, gamma: generatorGamma
    ).rate(epoch: epoch, step: 0, stepsPerEpoch: 1, epochs: 1)
  }

  package func prepare(_ stage: AttackStage) throws -> Preparation {
    let configuration = stage.configuration
    try stage.communicator.together {
      try requireFit(height: stage.height, width: stage.width)
    }
    guard configuration.poisonRatio <= 0.5 else {
      throw InputAwareError.ratio(configuration.poisonRatio)
    }
    let alone = min(maskEpochs, configuration.epochs - 1)
    if alone < maskEpochs {
      stage.stage.tell(
        .warning(
          "inputaware: the mask network learns in \(alone) epochs, not \(maskEpochs): at least one "
            + "of --epochs \(configuration.epochs) is the generator's"))
    }
    let (poison, data) = try stage.loopPoison(trigger: nil)
    var preparation = Preparation(data)
    preparation.crossTest = data.triggeredTest
    preparation.dropsLastBatch = false
    preparation.schedule = .multiStep(
      base: classifierRate, milestones: classifierMilestones.map { $0 + alone },
      gamma: classifierGamma)
    preparation.step = { base in
      makeStep(base, poison: poison, maskEpochs: alone, data: data, stage: stage)
    }
    let pictures = { (step: any TrainingStep) in
      PatternPictures(step, stage: stage, poison: poison, rule: rule(stage.normalization))
    }
    preparation.renewal = { try pictures($0).renewal(data) }
    preparation.trainedImages = { try pictures($0).training(data.train) }
    return preparation
  }

  private func makeStep(
    _ base: ClassifierStep, poison: LoopPoison, maskEpochs: Int, data: AttackData,
    stage: AttackStage
  ) -> InputAwareStep {
    let configuration = stage.configuration
    let networks = PatternNetworks(
      images: base.classifier.inputShape, normalization: stage.normalization,
      isTwice: !appliesTanhOnce,
      context: ComputeContext(sharing: base.context, batchNormGroup: stage.communicator))
    networks.initialize(seed: configuration.randomSeed)
    let images = data.train.images
    func source(_ seed: UInt64) -> PositionedImages {
      PositionedImages(
        images,
        batchSize: min(
          configuration.globalBatchSize(worldSize: stage.communicator.worldSize), images.count),
        shuffleSeed: seed, augmentation: configuration.augmentation, augmentationSeed: seed,
        normalization: stage.normalization)
    }
    var first = source(configuration.randomSeed)
    var second = source(PatternPictures.pairingSeed(configuration.randomSeed))
    return InputAwareStep(
      base, networks: networks, settings: self, poison: poison, maskEpochs: maskEpochs
    ) { moment in
      ImagePairs {
        first.tensor($0, epoch: moment.epoch, step: moment.step)
      } second: {
        second.tensor($0, epoch: moment.epoch, step: moment.step)
      }
    }
  }

  private func rule(_ normalization: Normalization) -> PixelRule {
    PixelRule(normalization, rounds: loop.rounds)
  }

  private func requireFit(height: Int, width: Int) throws {
    guard height % 8 == 0, width % 8 == 0 else {
      throw InputAwareError.size(height: height, width: width)
    }
  }

  /// The trigger of the run's networks.
  package func trigger(for place: TriggerPlace) throws -> any Trigger {
    try requireFit(height: place.height, width: place.width)
    let context = ComputeContext(
      threads: ThreadCount.resolve(requested: place.stage?.configuration.threads))
    let networks = PatternNetworks(
      images: Shape(batch: 0, height: place.height, width: place.width, channels: 3),
      normalization: place.normalization, isTwice: !appliesTanhOnce, context: context)
    try place.communicator.onRankZero {
      guard let path = SideFile.path(Self.fileName, in: place.folder) else {
        throw SideFileError.absent(
          attack: Self.name, file: Self.fileName, folder: place.folder)
      }
      let file = try SideFile(path)
      try file.load("netG", into: networks.generator.store)
      try file.load("netM", into: networks.mask.store)
    }
    try place.communicator.broadcast(networks.generator.store)
    try place.communicator.broadcast(networks.mask.store)
    return NetworkTrigger(pixels: rule(place.normalization)) { images in
      networks.poison(images, partners: images)
    }
  }
}

extension AttackName {
  /// inputaware.
  package static let inputaware = AttackName(InputAware.self)
}

/// Settings that inputaware's networks cannot do with.
package enum InputAwareError: Error, Equatable, Sendable, CustomStringConvertible, UserMistake {
  /// A batch has no room for as many images that are like the poisoned ones.
  case ratio(Double)
  /// Images that cannot be halved three times.
  case size(height: Int, width: Int)

  /// One line: what was expected and found.
  package var description: String {
    switch self {
    case .ratio(let ratio):
      "pratio: expected at most 0.5 with inputaware, which changes twice as many images, found "
        + ratio.pythonRepr
    case .size(let height, let width):
      "img_size: expected rows and columns divisible by 8 with inputaware, found \(height)x\(width)"
    }
  }

  package var isUserMistake: Bool { true }
}
