import Distributed

/// What an attack run came to.
public struct AttackOutcome: Sendable {
  /// The run's folder.
  public var folder: String
  /// The metrics of the last finished epoch; no image counted where none was finished.
  public var metrics: BackdoorMetrics
  /// Epochs that are finished and archived, those of earlier parts of a resumed run included.
  public var finishedEpochs: Int
  /// Where the run was stopped, its state saved; nil if it was not.
  public var stopped: TrainingPosition?
  /// Wall time of this part of the run, seconds.
  public var seconds: Double
  /// Where the time of the epochs of this part went, by rank and host.
  public var timings: [EpochTiming] = []
}

/// The training of a backdoored model: the one normal case that every attack is a small difference
/// on.
///
/// Arguments (`AttackConfiguration`), data (`AttackData`, where `AttackTrigger` is the difference),
/// training loop (`Trainer`), and the archive after each epoch (`AttackRecord`). A poison ratio of
/// 0 trains a clean model. trojannn makes its trigger first, from a clean model. All ranks run it
/// together.
public struct BackdoorAttack {
  let configuration: AttackConfiguration
  let communicator: any Communicator
  let observer: any TrainingObserver
  let interruption: Interruption
  private let dataset: DatasetPair?

  /// An attack as `configuration` says, told of to `observer` on rank 0.
  ///
  /// A `dataset` in memory stands for the one that the configuration names.
  public init(
    _ configuration: AttackConfiguration, dataset: DatasetPair? = nil,
    communicator: any Communicator, observer: any TrainingObserver, interruption: Interruption
  ) {
    self.configuration = configuration
    self.dataset = dataset
    self.communicator = communicator
    self.observer = observer
    self.interruption = interruption
  }

  /// Runs the attack; throws one-line errors, `SharedFailure` where all ranks know of it.
  public func run() throws -> AttackOutcome {
    try log.keep(settings: configuration.settingLines) { try attack() }
  }

  private var log: RunLog { RunLog(communicator: communicator, observer: observer) }

  private func attack() throws -> AttackOutcome {
    let start = ContinuousClock.now
    try communicator.requireSameStart(settings: configuration.sharedSettings)
    let dataset = try communicator.together {
      try self.dataset
        ?? DatasetLoader.load(
          name: configuration.dataset, path: configuration.datasetPath,
          size: configuration.imageSide.map { ImageSize(side: $0) },
          seed: AttackData.syntheticSeed,
          threads: ThreadCount.resolve(requested: configuration.threads))
    }
    guard configuration.attack == .trojannn else {
      return try run(on: consume dataset, since: start)
    }
    let (image, interrupted) = try trojanImage(for: dataset)
    return try interrupted ?? run(on: dataset, trojanImage: image, since: start)
  }

  /// The training itself, on data that are loaded.
  func run(
    on dataset: consuming DatasetPair, trojanImage: RGBImage? = nil,
    since start: ContinuousClock.Instant = .now
  ) throws -> AttackOutcome {
    // Handed over, so that a large dataset is poisoned in place rather than copied.
    var clean: DatasetPair? = consume dataset
    let data = try communicator.together {
      try AttackData(configuration, dataset: clean.take(), trojanImage: trojanImage)
    }
    let identity = configuration.identity(data: data, worldSize: communicator.worldSize)
    try communicator.requireAgreement(onEach: data.checksums)
    try communicator.together {
      try ModelTooLarge.check(
        width: configuration.width, classCount: data.train.images.classCount)
    }
    let step = makeStep(data)
    try log.noteRanks(threads: step.context.threads)
    let watch = try TrainingWatch(
      step, checkReplicas: configuration.checkReplicas, timeline: configuration.timelinePath)
    let trainer = makeTrainer(data, step: step, identity: identity, watch: watch)
    var record = AttackRecord(configuration, data: data)
    let claim = try begin(&record, identity: identity)
    defer { claim?.lock.release() }
    tell(.claimed(folder: configuration.folder))
    let first = try trainer.keeper?.restore(claim?.saved) ?? TrainingPosition()
    try watch.replicas.verify("at the start")
    announce(data, step: step, first: first)

    let evaluator = Evaluator(
      model: step.model, batchSize: batchSize, normalization: configuration.normalization,
      communicator: communicator, context: step.context, observer: observer,
      name: record.resultPath)
    var outcome = AttackOutcome(
      folder: configuration.folder, metrics: BackdoorMetrics(), finishedEpochs: first.epoch,
      seconds: 0)
    outcome.stopped = try trainer.run(from: first) { epoch in
      try watch.replicas.verify("after epoch \(epoch.index + 1)")
      let tests = try watch.timer.measure(.evaluate) { try evaluator.run(data.testSets) }
      let row = AttackDataFrame.row(
        epoch, metrics: tests.metrics, cleanLoss: tests.cleanLoss,
        triggeredLoss: tests.triggeredLoss)
      try trainer.keeper?.save(row, afterEpoch: epoch.index)
      try watch.timer.measure(.save) {
        try communicator.onRankZero { try record.finish(row, model: step.model.store) }
      }
      outcome.metrics = tests.metrics
      outcome.finishedEpochs = epoch.index + 1
      if let timing = epoch.timing { outcome.timings.append(timing) }
      report(epoch, metrics: tests.metrics)
    }
    for cut in try watch.finish() where communicator.rank == 0 { observer.observe(.warning(cut)) }
    if outcome.finishedEpochs == first.epoch && first.epoch > 0 && outcome.stopped == nil {
      outcome.metrics = try evaluator.run(data.testSets).metrics
    }
    if outcome.stopped == nil { try communicator.onRankZero { checkpoints.prune(to: 1) } }
    outcome.seconds = (ContinuousClock.now - start).seconds
    return outcome
  }

  private var batchSize: Int {
    configuration.globalBatchSize(worldSize: communicator.worldSize)
  }

  private func makeStep(_ data: AttackData) -> TrainStep {
    let images = data.train.images
    let model = Network(
      configuration.model, width: configuration.width, classCount: images.classCount,
      inputShape: Shape(
        batch: 0, height: images.height, width: images.width, channels: images.channels))
    Initializer.initialize(model, seed: configuration.randomSeed)
    return TrainStep(
      model: model,
      optimizer: SGD(
        for: model.store, momentum: configuration.momentum,
        weightDecay: configuration.weightDecay),
      loss: .smoothingOtherClasses(
        configuration.labelSmoothing, classCount: images.classCount),
      largestShare: communicator.largestShare(of: min(batchSize, images.count)),
      accumulationSteps: configuration.accumulationSteps,
      compression: configuration.compression,
      communicator: communicator,
      context: configuration.makeContext(communicator))
  }

  private var checkpoints: CheckpointFolder {
    CheckpointFolder(path: configuration.folder, keep: configuration.keepCheckpoints)
  }

  private func makeTrainer(
    _ data: AttackData, step: TrainStep, identity: RunIdentity, watch: TrainingWatch
  ) -> Trainer {
    let count = data.train.images.count
    let sampler = ShardedSampler(
      count: count, batchSize: min(batchSize, count), shuffleSeed: configuration.randomSeed,
      dropLast: true, worldSize: communicator.worldSize, rank: communicator.rank)
    return Trainer(
      step: step,
      loader: BatchLoader(
        images: data.train.images, sampler: sampler, normalization: configuration.normalization,
        augmentation: configuration.augmentation,
        seed: configuration.randomSeed),
      schedule: configuration.learningRateSchedule, epochs: configuration.epochs,
      maxSteps: configuration.maxSteps,
      phase: configuration.poisonRatio == 0
        ? "clean model" : "attack \(configuration.attack.rawValue)",
      poisoned: data.train, observer: observer,
      boundary: StepBoundary(
        interruption: interruption,
        keeper: CheckpointKeeper(
          checkpoints, identity: identity, step: step, sampler: sampler, observer: observer),
        interval: configuration.checkpointSteps, timer: watch.timer,
        communicator: communicator, observer: observer),
      watch: watch, estimate: estimate(data))
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

  /// Makes the folder ready, on rank 0 alone; nil on the others.
  private func begin(_ record: inout AttackRecord, identity: RunIdentity) throws -> RunClaim? {
    var claim: RunClaim?
    try communicator.onRankZero {
      let made = try RunClaim(
        checkpoints, resume: configuration.resume, identity: identity,
        columns: AttackDataFrame.attackColumns, isInWay: record.hasResult, observer: observer)
      claim = made
      try record.begin(made.saved)
    }
    return claim
  }

  func tell(_ event: TrainingEvent) {
    if communicator.rank == 0 { observer.observe(event) }
  }

  private func announce(_ data: AttackData, step: TrainStep, first: TrainingPosition) {
    guard communicator.rank == 0 else { return }
    let notes = data.notes(configuration, batchSize: batchSize)
    (data.warnings + notes).forEach { tell(.warning($0)) }
    if let line = configuration.pixelStatistics.assumption(of: configuration.dataset) {
      tell(.message(line))
    }
    let ranks = communicator.worldSize == 1 ? "" : "\(communicator.worldSize) ranks x "
    observer.observe(
      .message(
        "\(configuration.dataset): \(data.train.images.count) training images, "
          + "\(data.train.poisonedCount) poisoned; \(data.cleanTest.count) test images, "
          + "\(data.triggeredTest.images.count) triggered"
          + (data.targetName(configuration).map { "; target \($0)" } ?? "")))
    observer.observe(
      .message(
        "\(configuration.model.rawValue) of width \(configuration.width), "
          + "\(step.model.store.values.count) parameters; \(ranks)\(step.context.threads) threads"))
    if configuration.resume != .off { observer.observe(.message(first.resumption)) }
  }

  private func report(_ epoch: Trainer.Epoch, metrics: BackdoorMetrics) {
    guard communicator.rank == 0 else { return }
    observer.observe(
      .epoch(EpochSummary(epoch, epochs: configuration.epochs, metrics: metrics)))
  }
}

extension EpochSummary {
  /// The summary of a finished epoch.
  init(_ epoch: Trainer.Epoch, epochs: Int, metrics: BackdoorMetrics?) {
    self.init(
      epoch: epoch.index + 1, epochs: epochs, learningRate: epoch.learningRate,
      trainLoss: epoch.counts.meanLoss ?? .nan, trainAccuracy: epoch.counts.accuracy ?? 0,
      metrics: metrics, seconds: epoch.seconds, timing: epoch.timing)
  }
}

extension AttackDataFrame {
  /// An epoch's row in the columns of attack_df.csv; NaN where there were no images.
  static func row(
    _ epoch: Trainer.Epoch, metrics: BackdoorMetrics, cleanLoss: Double?, triggeredLoss: Double?
  ) -> [Value] {
    let numbers = [
      epoch.counts.meanLoss, epoch.counts.accuracy, epoch.counts.cleanAccuracy,
      epoch.counts.attackSuccessRate, epoch.counts.robustAccuracy, cleanLoss, triggeredLoss,
      metrics.cleanAccuracy, metrics.attackSuccessRate, metrics.robustAccuracy,
    ]
    return [.count(epoch.index), .count(epoch.counts.batches)]
      + numbers.map { .number($0 ?? .nan) }
  }
}
