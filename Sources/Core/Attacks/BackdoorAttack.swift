import Distributed

/// The training of a backdoored model: the one normal case that every attack is a small difference
/// on.
///
/// Settings (`AttackConfiguration`), what the attack prepares of the data (`Preparation`), the
/// training that tunings share (`TrainingRun`), and the archive after each epoch (`AttackRecord`). A
/// poison ratio of 0 trains a clean model. All ranks run it together.
public struct BackdoorAttack {
  let configuration: AttackConfiguration
  private let stage: Stage
  private let dataset: DatasetPair?
  /// What prepares the training; nil is the attack.
  private let preparing: ((AttackStage) throws -> Preparation)?

  /// An attack as `configuration` says, told of to `observer` on rank 0.
  ///
  /// A `dataset` in memory stands for the one that the configuration names.
  public init(
    _ configuration: AttackConfiguration, dataset: DatasetPair? = nil,
    communicator: any Communicator, observer: any TrainingObserver, interruption: Interruption
  ) {
    self.init(
      configuration, dataset: dataset,
      stage: Stage(communicator: communicator, observer: observer, interruption: interruption))
  }

  init(
    _ configuration: AttackConfiguration, dataset: DatasetPair?, stage: Stage,
    preparing: ((AttackStage) throws -> Preparation)? = nil
  ) {
    (self.configuration, self.dataset, self.stage) = (configuration, dataset, stage)
    self.preparing = preparing
  }

  private var communicator: any Communicator { stage.communicator }

  /// Runs the attack; throws one-line errors, `SharedFailure` where all ranks know of it.
  public func run() throws -> AttackOutcome { try run(by: configuration.settings.chosen) }

  /// The same by an attack that need not be in the list.
  package func run(by attack: any Attack) throws -> AttackOutcome {
    try stage.log.keep(settings: configuration.settingLines) {
      let start = ContinuousClock.now
      try communicator.requireSameStart(settings: configuration.sharedSettings)
      return try train(by: attack, since: start)
    }
  }

  /// The attack itself, without its log.
  func train(
    by attack: any Attack, since start: ContinuousClock.Instant
  ) throws -> AttackOutcome {
    let dataset = try communicator.together {
      try self.dataset
        ?? DatasetLoader.load(
          name: configuration.dataset, path: configuration.datasetPath,
          size: configuration.imageSide.map { ImageSize(side: $0) },
          seed: AttackData.syntheticSeed,
          threads: ThreadCount.resolve(requested: configuration.threads), progress: stage.reading)
    }
    do {
      let stage = AttackStage(
        configuration: configuration, dataset: consume dataset, stage: stage)
      let preparation = try preparing?(stage) ?? attack.prepare(stage)
      var outcome = try train(preparation)
      outcome.seconds = (ContinuousClock.now - start).seconds
      return outcome
    } catch let stopped as PreparationStopped {
      return stopped.outcome
    }
  }

  private func train(_ preparation: Preparation) throws -> AttackOutcome {
    let data = preparation.data
    let identity = configuration.identity(data: data, worldSize: communicator.worldSize)
    try communicator.requireAgreement(onEach: data.checksums)
    try communicator.together {
      let images = data.train.images
      try configuration.model.requireFit(height: images.height, width: images.width)
      try ModelTooLarge.check(
        configuration.model, width: configuration.width, classCount: images.classCount)
    }
    let classifierStep = makeStep(data)
    let step = try preparation.step?(classifierStep) ?? classifierStep
    try stage.log.noteRanks(threads: step.context.threads)
    let run = try TrainingRun(
      step, on: loader(preparation), configuration,
      TrainingRun.Plan(
        phase: preparation.phase
          ?? (configuration.poisonRatio == 0
            ? "clean model" : "attack \(configuration.attack.rawValue)"),
        identity: identity, checkpoints: checkpoints, estimate: estimate(data),
        schedule: preparation.schedule),
      stage: stage)
    var record = AttackRecord(configuration, preparation: preparation)
    let claim = try stage.claim(
      checkpoints, resume: configuration.resume, identity: identity,
      columns: preparation.columns, isInWay: record.hasResult
    ) { try record.begin($0) }
    defer { claim?.lock.release() }
    let first = try run.begin(claim)
    announce(preparation, step: step, first: first)
    if preparation.renewal != nil && first.epoch > 0 && first.step == 0 {
      try record.renew(after: step, isLast: false, on: communicator)
      try communicator.onRankZero { try record.rearchive(step.classifier.store) }
    }
    return try train(step, run, from: first, record: &record)
  }

  private func train(
    _ step: any TrainingStep, _ run: TrainingRun, from first: TrainingPosition,
    record: inout AttackRecord
  ) throws -> AttackOutcome {
    let evaluator = Evaluator(
      model: step.classifier, batchSize: batchSize, normalization: configuration.normalization,
      communicator: communicator, context: step.context, observer: stage.observer,
      name: record.resultPath)
    var outcome = AttackOutcome(
      folder: configuration.folder, metrics: BackdoorMetrics(), finishedEpochs: first.epoch,
      seconds: 0)
    if !record.isRenewed { tellTrigger(record, after: first.epoch) }
    outcome.stopped = try run.train(from: first) { epoch in
      try record.renew(after: step, isLast: isLast(epoch), on: communicator)
      if record.isRenewed { tellTrigger(record, after: epoch.index + 1) }
      let tests = try run.evaluate(evaluator, record.testSets)
      let cross = try record.crossTest.map { set in
        try run.evaluate { try evaluator.run(set.images, originalLabels: set.originalLabels) }
      }
      let row = AttackDataFrame.row(epoch, tests, cross: cross)
      try run.save(row, after: epoch)
      try run.archive { try record.finish(row, model: step.classifier.store) }
      outcome.metrics = tests.metrics
      outcome.finishedEpochs = epoch.index + 1
      if let timing = epoch.timing { outcome.timings.append(timing) }
      stage.tell(
        .epoch(EpochSummary(epoch, epochs: configuration.epochs, tests: tests)))
    }
    try run.finish()
    if outcome.finishedEpochs == first.epoch && first.epoch > 0 && outcome.stopped == nil {
      try record.renew(after: step, isLast: true, on: communicator)
      if record.isRenewed {
        try communicator.onRankZero { try record.rearchive(step.classifier.store) }
      }
      outcome.metrics = try evaluator.run(record.testSets).metrics
    }
    if outcome.stopped == nil { try communicator.onRankZero { checkpoints.prune(to: 1) } }
    return outcome
  }

  private func tellTrigger(_ record: AttackRecord, after epochs: Int) {
    if let picture = record.triggerPicture(after: epochs) { stage.tell(.picture(picture)) }
  }

  private var batchSize: Int {
    configuration.globalBatchSize(worldSize: communicator.worldSize)
  }

  /// Whether no epoch follows `epoch`.
  private func isLast(_ epoch: Trainer.Epoch) -> Bool {
    epoch.index + 1 >= configuration.epochs
  }

  private func makeStep(_ data: AttackData) -> ClassifierStep {
    let images = data.train.images
    let model = Network(
      configuration.model, width: configuration.width, classCount: images.classCount,
      inputShape: Shape(
        batch: 0, height: images.height, width: images.width, channels: images.channels))
    Initializer.initialize(model, seed: configuration.randomSeed)
    return ClassifierStep(
      model: model,
      optimizer: SGD(
        for: model.store, momentum: configuration.momentum,
        weightDecay: configuration.weightDecay),
      loss: .smoothingOtherClasses(
        configuration.labelSmoothing, classCount: images.classCount),
      largestShare: communicator.largestShare(of: min(batchSize, images.count)),
      accumulationSteps: configuration.accumulationSteps,
      compression: configuration.compression, powerSGD: configuration.powerSGD,
      communicator: communicator,
      context: configuration.makeContext(communicator))
  }

  private var checkpoints: CheckpointFolder {
    CheckpointFolder(path: configuration.folder, keep: configuration.keepCheckpoints)
  }

  private func loader(_ preparation: Preparation) -> BatchLoader {
    let train = preparation.data.train
    let sampler = ShardedSampler(
      count: train.images.count, batchSize: min(batchSize, train.images.count),
      shuffleSeed: configuration.randomSeed, dropLast: preparation.dropsLastBatch,
      worldSize: communicator.worldSize,
      rank: communicator.rank)
    return BatchLoader(
      images: train.images, sampler: sampler, normalization: configuration.normalization,
      augmentation: preparation.augmentsImages ? configuration.augmentation : nil,
      seed: configuration.randomSeed, poisoned: train)
  }

  private func estimate(_ data: AttackData) -> EndEstimate {
    let smaller = [
      configuration.width > 16 ? "--width 16 " : "",
      configuration.epochs > 10 ? "--epochs 10 " : "",
    ].joined()
    return EndEstimate(
      evaluatedImages: configuration.epochs
        * (data.cleanTest.count + data.triggeredTest.images.count),
      remedy: smaller + (smaller.isEmpty ? "" : "or ") + "more ranks under mpirun take less")
  }

  private func announce(
    _ preparation: Preparation, step: any TrainingStep, first: TrainingPosition
  ) {
    guard communicator.rank == 0 else { return }
    let data = preparation.data
    let notes = data.notes(
      configuration, batchSize: batchSize, dropsLastBatch: preparation.dropsLastBatch)
    (data.warnings + notes).forEach { stage.tell(.warning($0)) }
    if let line = configuration.pixelStatistics.assumption(of: configuration.dataset) {
      stage.tell(.message(line))
    }
    let ranks = communicator.worldSize == 1 ? "" : "\(communicator.worldSize) ranks x "
    stage.tell(
      .message(
        "\(configuration.dataset): \(data.train.images.count) training images, "
          + "\(data.poisonedWords) poisoned; \(data.cleanTest.count) test images, "
          + preparation.triggeredWords
          + (data.targetName(configuration).map { "; target \($0)" } ?? "")))
    stage.tell(
      .message(
        "\(configuration.model.rawValue) of width \(configuration.width), "
          + "\(step.classifier.store.values.count) parameters; \(ranks)\(step.context.threads) threads"
      ))
    if configuration.resume != .off { stage.tell(.message(first.resumption)) }
  }
}

extension Preparation {
  /// The columns of the run's frame.
  var columns: [String] {
    crossTest == nil ? AttackDataFrame.attackColumns : AttackDataFrame.crossColumns
  }
}

extension Preparation {
  /// How many test images are triggered, in words.
  fileprivate var triggeredWords: String {
    renewal == nil
      ? "\(data.triggeredTest.images.count) triggered" : "triggered anew after each epoch"
  }
}

extension AttackData {
  /// How many training images are poisoned, in words.
  fileprivate var poisonedWords: String {
    poisonsTraining ? "\(train.poisonedCount)" : "some of each batch"
  }
}
