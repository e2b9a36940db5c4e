import Distributed
import Foundation

/// What a tuning run came to.
public struct TuneOutcome: Sendable {
  /// The folder of the mode's result; nil where nothing is saved.
  public var folder: String?
  /// The attacked model's metrics.
  public var before: BackdoorMetrics
  /// The tuned model's metrics; no image counted where the run was stopped.
  public var after: BackdoorMetrics
  /// Where the run was stopped; nil if it was not.
  public var stopped: TrainingPosition?
  /// Whether a stopped run left a checkpoint to go on from.
  public var isResumable: Bool
  /// Wall time, seconds.
  public var seconds: Double
  /// Where the epochs' time went, by rank and host.
  public var timings: [EpochTiming]
}

/// The purification of an attacked model on a few clean images, run by all ranks together.
public struct FineTuning {
  private var configuration: TuneConfiguration
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
  ///
  /// Several tunings of one archive may share its `subject`; nil reads the archive anew.
  public func run(on subject: TuningSubject? = nil) throws -> TuneOutcome {
    try log.keep(settings: configuration.settingLines) { try tune(subject) }
  }

  private var log: RunLog { RunLog(communicator: communicator, observer: observer) }

  private func tune(_ subject: TuningSubject?) throws -> TuneOutcome {
    let start = ContinuousClock.now
    try communicator.requireSameStart(settings: configuration.sharedSettings)
    let subject =
      try subject
      ?? TuningSubject(configuration, communicator: communicator, observer: observer)
    var completed = self
    completed.configuration = configuration.completed(by: subject.attacked.description)
    return try completed.tune(subject, since: start)
  }

  private func tune(
    _ subject: TuningSubject, since start: ContinuousClock.Instant
  ) throws -> TuneOutcome {
    let sets = subject.sets
    let tuning = try agreedImages(of: subject)
    let attacked = subject.attacked.copy()
    // Before the work rather than after it: a place that cannot be written to is found out at once.
    let identity = configuration.identity(
      worldSize: communicator.worldSize, data: tuning, model: attacked.model.store)
    let claim = try claimFolder(identity)
    defer { claim?.lock.release() }
    if configuration.save { tell(.claimed(folder: configuration.defenseFolder)) }
    let context = configuration.makeContext(communicator)
    try log.noteRanks(threads: context.threads)
    tell(.message("\(configuration.mode.rawValue) on \(tuning.count) clean images"))
    let before = try subject.metrics(
      batchSize: batchSize, context: context, communicator: communicator, observer: observer)
    let step = makeStep(attacked.model, imageCount: tuning.count, context: context)
    let watch = try TrainingWatch(
      step, checkReplicas: configuration.checkReplicas, timeline: configuration.timelinePath)
    let trainer = makeTrainer(
      tuning, step: step, identity: identity, watch: watch,
      evaluated: evaluations * (sets.clean.count + sets.triggered.count))
    let first = try trainer.keeper?.restore(claim?.saved) ?? TrainingPosition()
    try watch.replicas.verify("at the start")
    announce(first)
    let evaluator = Evaluator(
      model: attacked.model, batchSize: batchSize, normalization: normalization,
      communicator: communicator, context: context, observer: observer,
      name: "the model tuned by \(configuration.mode.rawValue)")
    func evaluate() throws -> TestResults {
      try watch.timer.measure(.evaluate) { try evaluator.run(sets) }
    }
    let (stopped, latest, timings) = try train(trainer, from: first, evaluate: evaluate)
    // A model tuned in part is nobody's result, and who interrupts does not want to wait.
    let tests = stopped == nil ? try latest ?? evaluate() : nil
    if configuration.save, let tests {
      try watch.timer.measure(.save) {
        try communicator.onRankZero {
          try save(attacked, rows: trainer.keeper?.rows ?? [], tests: tests)
          checkpoints.prune(to: 0)
        }
      }
    }
    try watch.finish().forEach { tell(.warning($0)) }
    return TuneOutcome(
      folder: configuration.save ? configuration.defenseFolder : nil, before: before,
      after: tests?.metrics ?? BackdoorMetrics(), stopped: stopped,
      isResumable: stopped != nil && configuration.save,
      seconds: (ContinuousClock.now - start).seconds, timings: timings)
  }

  /// The clean images of the tuning, the same on all ranks as the sets that judge it.
  private func agreedImages(of subject: TuningSubject) throws -> LabeledImages {
    if configuration.tuningSplit == .heldOut {
      try communicator.onRankZero {
        try requireHeldOut(in: subject.attacked.description.runFolder)
      }
    }
    let tuning = try communicator.together { try tuningImages(of: subject.dataset.train) }
    try communicator.requireAgreement(
      onEach: [("tuning images", tuning.checksum)] + subject.sets.checksums)
    return tuning
  }

  private func announce(_ first: TrainingPosition) {
    if let line = configuration.pixelStatistics.assumption(of: configuration.dataset) {
      tell(.message(line))
    }
    if configuration.resume != .off {
      tell(.message(configuration.save ? first.resumption : "nothing to go on from without --save"))
    }
  }

  /// Trains from `first` on: where that was stopped, what the last epoch was evaluated to if it
  /// was, and where the epochs' time went.
  private func train(
    _ trainer: Trainer, from first: TrainingPosition, evaluate: () throws -> TestResults
  ) throws -> (stopped: TrainingPosition?, latest: TestResults?, timings: [EpochTiming]) {
    var timings: [EpochTiming] = []
    var latest: TestResults?
    let stopped = try trainer.run(from: first) { epoch in
      try trainer.watch.replicas.verify("after epoch \(epoch.index + 1)")
      latest = isEvaluated(epoch) ? try evaluate() : nil
      let row = AttackDataFrame.fineTuningRow(epoch, tests: latest)
      try trainer.keeper?.save(row, afterEpoch: epoch.index)
      if let timing = epoch.timing { timings.append(timing) }
      tell(.epoch(EpochSummary(epoch, epochs: configuration.epochs, metrics: latest?.metrics)))
    }
    return (stopped, latest, timings)
  }

  private var resultPath: String { "\(configuration.defenseFolder)/defense_result.pt" }

  private var checkpoints: CheckpointFolder {
    CheckpointFolder(path: configuration.defenseFolder, keep: configuration.keepCheckpoints)
  }

  /// Makes the folder ready where something is saved, on rank 0 alone; nil on the others.
  private func claimFolder(_ identity: RunIdentity) throws -> RunClaim? {
    guard configuration.save else { return nil }
    var claim: RunClaim?
    try communicator.onRankZero {
      claim = try RunClaim(
        checkpoints, resume: configuration.resume, identity: identity,
        columns: AttackDataFrame.fineTuningColumns,
        isInWay: FileManager.default.fileExists(atPath: resultPath), observer: observer)
    }
    return claim
  }

  private func isEvaluated(_ epoch: Trainer.Epoch) -> Bool {
    let every = configuration.evaluateEvery
    return every > 0 && (epoch.index + 1).isMultiple(of: every)
  }

  /// How often the tuned model is evaluated in all.
  private var evaluations: Int {
    let every = configuration.evaluateEvery
    return 1 + (every > 0 ? configuration.epochs / every : 0)
  }

  private var batchSize: Int {
    configuration.globalBatchSize(worldSize: communicator.worldSize)
  }

  private var normalization: Normalization {
    configuration.pixelStatistics.normalization(of: configuration.dataset)
  }

  private func tell(_ event: TrainingEvent) {
    if communicator.rank == 0 { observer.observe(event) }
  }

  /// The clean images that the model is tuned on.
  private func tuningImages(of train: LabeledImages) throws -> LabeledImages {
    let indices = TuningSet.indices(
      configuration.tuningSplit, labels: train.labels, classCount: train.classCount,
      ratio: configuration.splitRatio, seed: Int(configuration.randomSeed)
    ).tuning
    guard !indices.isEmpty else {
      throw TuningSetError(
        ratio: configuration.splitRatio, isHeldOut: configuration.tuningSplit == .heldOut)
    }
    return train.selecting(indices)
  }

  /// The attack's arguments say whether it left the tuning images out.
  private func requireHeldOut(in folder: String?) throws {
    let path = folder.map { "\($0)/info.pickle" } ?? ""
    let info =
      FileManager.default.fileExists(atPath: path) ? try InfoFile.read(path: path) : []
    let split = info.last { $0.key.text == "tuning_split" }?.value.text
    let ratio = info.last { $0.key.text == "split_ratio" }?.value.number ?? 0.02
    guard split == TuningSplit.heldOut.rawValue, ratio == configuration.splitRatio else {
      throw AttackedModelError.notHeldOut(folder: folder ?? configuration.folder)
    }
  }

  private func makeStep(
    _ model: Network, imageCount: Int, context: ComputeContext
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
      compression: configuration.compression,
      communicator: communicator, context: context)
  }

  private func makeTrainer(
    _ tuning: LabeledImages, step: TrainStep, identity: RunIdentity, watch: TrainingWatch,
    evaluated: Int
  ) -> Trainer {
    let sampler = ShardedSampler(
      count: tuning.count, batchSize: batchSize, shuffleSeed: configuration.randomSeed,
      dropLast: false, worldSize: communicator.worldSize, rank: communicator.rank)
    return Trainer(
      step: step,
      loader: BatchLoader(
        images: tuning, sampler: sampler, normalization: normalization,
        augmentation: configuration.augmentation,
        seed: configuration.randomSeed),
      schedule: configuration.learningRateSchedule, epochs: configuration.epochs,
      maxSteps: configuration.maxSteps,
      phase: "tune \(configuration.mode.rawValue)", poisoned: nil, observer: observer,
      boundary: StepBoundary(
        interruption: interruption,
        keeper: configuration.save
          ? CheckpointKeeper(
            checkpoints, identity: identity, step: step, sampler: sampler, observer: observer)
          : nil,
        interval: configuration.checkpointSteps, timer: watch.timer,
        communicator: communicator, observer: observer),
      watch: watch, estimate: EndEstimate(evaluatedImages: evaluated))
  }

  private func save(
    _ attacked: AttackedModel, rows: [[AttackDataFrame.Value]], tests: TestResults
  ) throws {
    let folder = configuration.defenseFolder
    var frame = AttackDataFrame(columns: AttackDataFrame.fineTuningColumns)
    rows.dropLast().forEach { frame.append($0) }
    if let last = rows.last { frame.append(AttackDataFrame.fineTuningRow(last, tests: tests)) }
    try InfoFile.write(
      configuration.arguments.map { .init($0.key, $0.value.archived) },
      to: "\(folder)/info.pickle")
    try frame.write(to: "\(folder)/ft_df.csv")
    try DefenseResult(
      model: attacked.model.store.stateDict(), modelName: attacked.description.modelName,
      numClasses: attacked.description.classCount
    ).write(
      to: resultPath,
      form: configuration.defenseForm == .bare ? .bare : .dictionary)
  }
}
