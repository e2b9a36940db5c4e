import Distributed
import Foundation

/// What a tuning run came to.
public struct TuneOutcome: Sendable {
  /// The folder of the mode's result, written to where it is saved.
  public var folder: String
  /// The attacked model's metrics.
  public var before: BackdoorMetrics
  /// The tuned model's metrics; no image counted where the run was interrupted.
  public var after: BackdoorMetrics
  /// Whether the run was stopped before its last epoch; nothing is saved then.
  public var interrupted: Bool
  /// Wall time, seconds.
  public var seconds: Double
  /// Where the epochs' time went, by rank and host.
  public var timings: [EpochTiming]
}

/// How one tuning mode differs from the others (FST paper, section 4; spelled as its code spells
/// them).
struct TuningRecipe: Equatable {
  /// Whether weight and bias of the head are drawn anew.
  let reinitializesHead: Bool
  /// What is trained; the backbone's running statistics move in every mode.
  let trainable: TrainableParameters
  /// Whether α ⟨ω, ω_ori⟩ is part of the loss; ‖ω‖ is held at ‖ω_ori‖ in every mode.
  let shiftsFeatures: Bool

  init(_ mode: FineTuningMode) {
    reinitializesHead = [.ftInit, .feTuning, .fst].contains(mode)
    shiftsFeatures = mode == .fst
    trainable =
      switch mode {
      case .lp: .head
      case .feTuning: .backbone
      case .ft, .ftInit, .fst: .all
      }
  }
}

/// The purification of an attacked model on a few clean images, run by all ranks together.
public struct FineTuning {
  private let configuration: TuneConfiguration
  private let communicator: any Communicator
  private let observer: any TrainingObserver
  private let interruption: Interruption

  /// A run as `configuration` says, told of to `observer` on rank 0.
  public init(
    _ configuration: TuneConfiguration, communicator: any Communicator,
    observer: any TrainingObserver, interruption: Interruption
  ) {
    self.configuration = configuration
    self.communicator = communicator
    self.observer = observer
    self.interruption = interruption
  }

  /// Tunes the model; throws one-line errors, `SharedFailure` where all ranks know of it.
  public func run() throws -> TuneOutcome {
    let start = ContinuousClock.now
    try communicator.requireSameStart(settings: configuration.sharedSettings)
    let attacked = try loadModel()
    if configuration.tuningSplit == .heldOut {
      try communicator.onRankZero { try requireHeldOut() }
    }
    let (dataset, tuning) = try communicator.together { try loadData(attacked) }
    let sets = try testSets(dataset.test)
    try communicator.requireAgreement(
      onEach: [("tuning images", tuning.checksum)] + sets.checksums)
    // Before the work rather than after it: a place that cannot be written to is found out at once.
    if configuration.save {
      try communicator.onRankZero { try RunFolder.create(configuration.defenseFolder) }
    }
    let context = ComputeContext(
      threads: ThreadCount.resolve(requested: configuration.threads),
      batchNormGroup: configuration.syncBatchNorm ? communicator : nil)
    let evaluator = Evaluator(
      model: attacked.model, batchSize: batchSize, normalization: normalization,
      communicator: communicator, context: context, observer: observer)
    tell(.message("\(configuration.mode.rawValue) on \(tuning.count) clean images"))
    let before = try evaluator.run(sets).metrics
    let step = makeStep(attacked.model, imageCount: tuning.count, context: context)
    let watch = try TrainingWatch(
      step, checkReplicas: configuration.checkReplicas, timeline: configuration.timelinePath)
    try watch.replicas.verify("at the start")
    var timings: [EpochTiming] = []
    var frame = AttackDataFrame(columns: AttackDataFrame.fineTuningColumns)
    var last: Trainer.Epoch?
    let interrupted = try makeTrainer(
      tuning, step: step, watch: watch
    ).run(from: 0) { epoch in
      try watch.replicas.verify("after epoch \(epoch.index + 1)")
      if let last { frame.append(AttackDataFrame.fineTuningRow(last, tests: nil)) }
      last = epoch
      if let timing = epoch.timing { timings.append(timing) }
      tell(.epoch(EpochSummary(epoch, epochs: configuration.epochs, metrics: nil)))
    }
    // A model tuned in part is nobody's result, and who interrupts does not want to wait.
    let tests =
      interrupted ? nil : try watch.timer.measure(.evaluate) { try evaluator.run(sets) }
    if let last { frame.append(AttackDataFrame.fineTuningRow(last, tests: tests)) }
    if configuration.save && !interrupted {
      try watch.timer.measure(.save) {
        try communicator.onRankZero { try save(attacked, frame: frame) }
      }
    }
    try watch.finish().forEach { tell(.warning($0)) }
    return TuneOutcome(
      folder: configuration.defenseFolder, before: before,
      after: tests?.metrics ?? BackdoorMetrics(), interrupted: interrupted,
      seconds: (ContinuousClock.now - start).seconds, timings: timings)
  }

  private var batchSize: Int {
    configuration.batchSizePerRank.map { $0 * communicator.worldSize } ?? configuration.batchSize
  }

  private var normalization: Normalization {
    Normalization.of(dataset: DatasetName(rawValue: configuration.dataset) ?? .cifar10)
  }

  private func tell(_ event: TrainingEvent) {
    if communicator.rank == 0 { observer.observe(event) }
  }

  private func loadModel() throws -> AttackedModel {
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

  /// The dataset and, of its training set, the clean images that the model is tuned on.
  private func loadData(
    _ attacked: AttackedModel
  ) throws -> (dataset: DatasetPair, tuning: LabeledImages) {
    let dataset = try DatasetLoader.load(
      name: configuration.dataset, path: configuration.datasetPath,
      seed: AttackData.syntheticSeed)
    try attacked.requireFit(of: dataset.test, path: configuration.archivePath)
    let indices = TuningSet.indices(
      configuration.tuningSplit, labels: dataset.train.labels,
      classCount: dataset.train.classCount, ratio: configuration.splitRatio,
      seed: Int(configuration.randomSeed)
    ).tuning
    guard !indices.isEmpty else {
      throw TuningSetError(
        ratio: configuration.splitRatio, isHeldOut: configuration.tuningSplit == .heldOut)
    }
    return (dataset, dataset.train.selecting(indices))
  }

  /// The attack's arguments say whether it left the tuning images out.
  private func requireHeldOut() throws {
    let path = "\(configuration.folder)/info.pickle"
    let info =
      FileManager.default.fileExists(atPath: path) ? try InfoFile.read(path: path) : []
    let split = info.last { $0.key.text == "tuning_split" }?.value.text
    let ratio = info.last { $0.key.text == "split_ratio" }?.value.number ?? 0.02
    guard split == TuningSplit.heldOut.rawValue, ratio == configuration.splitRatio else {
      throw AttackedModelError.notHeldOut(folder: configuration.folder)
    }
  }

  private func testSets(_ test: LabeledImages) throws -> TestSets {
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

  private func makeStep(
    _ model: ResNet18, imageCount: Int, context: ComputeContext
  ) -> TrainStep {
    let recipe = TuningRecipe(configuration.mode)
    let isPenalized = recipe.shiftsFeatures && configuration.labelSmoothing == nil
    let penalty = FeatureShiftPenalty(
      head: model.head, of: model.store, alpha: isPenalized ? configuration.alpha : 0)
    if recipe.reinitializesHead {
      Initializer.initializeHead(model.head, of: model.store, seed: configuration.randomSeed)
    }
    return TrainStep(
      model: model,
      optimizer: SGD(
        for: model.store, momentum: configuration.momentum,
        weightDecay: configuration.weightDecay),
      loss: .smoothingOtherClasses(
        configuration.labelSmoothing ?? 0, classCount: model.head.outputs), penalty: penalty,
      trainable: recipe.trainable,
      largestShare: communicator.largestShare(of: min(batchSize, imageCount)),
      accumulationSteps: configuration.accumulationSteps,
      communicator: communicator, context: context)
  }

  private func makeTrainer(
    _ tuning: LabeledImages, step: TrainStep, watch: TrainingWatch
  ) -> Trainer {
    let sampler = ShardedSampler(
      count: tuning.count, batchSize: batchSize, shuffleSeed: configuration.randomSeed,
      dropLast: false, worldSize: communicator.worldSize, rank: communicator.rank)
    return Trainer(
      step: step,
      loader: BatchLoader(
        images: tuning, sampler: sampler, normalization: normalization,
        augmentation: configuration.augment ? Augmentation() : nil,
        seed: configuration.randomSeed),
      schedule: LearningRateSchedule(
        configuration.schedule, base: configuration.learningRate,
        period: configuration.scheduleEpochs, milestones: configuration.milestones,
        gamma: configuration.gamma),
      epochs: configuration.epochs, maxSteps: configuration.maxSteps,
      phase: "tune \(configuration.mode.rawValue)", poisoned: nil, observer: observer,
      interruption: interruption, watch: watch)
  }

  private func save(_ attacked: AttackedModel, frame: AttackDataFrame) throws {
    let folder = configuration.defenseFolder
    try InfoFile.write(
      configuration.arguments.map { .init($0.key, $0.value.archived) },
      to: "\(folder)/info.pickle")
    try frame.write(to: "\(folder)/ft_df.csv")
    try DefenseResult(
      model: attacked.model.store.stateDict(), modelName: attacked.description.modelName,
      numClasses: attacked.description.classCount
    ).write(
      to: "\(folder)/defense_result.pt",
      form: configuration.defenseForm == .bare ? .bare : .dictionary)
  }
}

/// A tuning set without images, or one that leaves the attack none.
public struct TuningSetError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The share of the training images that was asked for.
  public let ratio: Double
  /// Whether the images were to be held out of the attack's training.
  public let isHeldOut: Bool

  /// One line: the key, what was expected and found.
  public var description: String {
    let expected =
      isHeldOut
      ? "an image of each class and leaves some to the attack" : "at least one image"
    return "split_ratio: expected a share that yields \(expected), found \(ratio.pythonRepr)"
  }
}

extension AttackDataFrame {
  /// An epoch's row in the columns of ft_df.csv; NaN where it was not evaluated.
  static func fineTuningRow(
    _ epoch: Trainer.Epoch,
    tests: (metrics: BackdoorMetrics, cleanLoss: Double?, triggeredLoss: Double?)?
  ) -> [Value] {
    let numbers = [
      epoch.counts.meanLoss, epoch.counts.accuracy, tests?.cleanLoss, tests?.triggeredLoss,
      tests?.metrics.cleanAccuracy, tests?.metrics.attackSuccessRate,
      tests?.metrics.robustAccuracy,
    ]
    return [.count(epoch.index), .count(epoch.counts.batches)]
      + numbers.map { .number($0 ?? .nan) }
  }
}
