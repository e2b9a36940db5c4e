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
  /// The weight of the feature-shift penalty; nil where there is none.
  public var alpha: Double?
  /// A text that stands for the tuned model's tensors; nil where the run was stopped.
  var model: String?
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
  var configuration: TuneConfiguration
  let stage: Stage

  /// A run as `configuration` says, told of to `observer` on rank 0.
  public init(
    _ configuration: TuneConfiguration, communicator: any Communicator,
    observer: any TrainingObserver, interruption: Interruption
  ) {
    self.configuration = configuration
    stage = Stage(communicator: communicator, observer: observer, interruption: interruption)
  }

  var communicator: any Communicator { stage.communicator }

  /// Tunes the model; throws one-line errors, `SharedFailure` where all ranks know of it.
  ///
  /// Several tunings of one archive may share its `subject`; nil reads the archive anew.
  public func run(on subject: TuningSubject? = nil) throws -> TuneOutcome {
    try stage.log.keep(settings: configuration.settingLines) {
      let start = ContinuousClock.now
      try communicator.requireSameStart(settings: configuration.sharedSettings)
      let subject =
        try subject
        ?? TuningSubject(configuration, communicator: communicator, observer: stage.observer)
      var completed = self
      completed.configuration = configuration.completed(by: subject.attacked.description)
      var outcome = try completed.tune(subject)
      outcome.seconds = (ContinuousClock.now - start).seconds
      return outcome
    }
  }

  private mutating func tune(_ subject: TuningSubject) throws -> TuneOutcome {
    let tuning = try agreedImages(of: subject)
    let attacked = subject.attacked.copy()
    // Before the work rather than after it: a place that cannot be written to is found out at once.
    let identity = configuration.identity(
      worldSize: communicator.worldSize, data: tuning, model: attacked.model.store)
    let claim = try claimFolder(identity)
    defer { claim?.lock.release() }
    let context = configuration.makeContext(communicator)
    try stage.log.noteRanks(threads: context.threads)
    stage.tell(.message("\(configuration.mode.rawValue) on \(tuning.count) clean images"))
    let before = try subject.metrics(
      batchSize: batchSize, context: context, communicator: communicator,
      observer: stage.observer)
    stage.tell(.measured(before, .before))
    var outcome = TuneOutcome(
      folder: configuration.save ? configuration.defenseFolder : nil, before: before,
      after: BackdoorMetrics(), isResumable: false, seconds: 0, timings: [])
    guard try chosenAlpha(subject, tuning, context: context, &outcome) else { return outcome }
    let step = makeStep(attacked.model, imageCount: tuning.count, context: context)
    let testImages = subject.sets.clean.count + subject.sets.triggered.count
    let run = try TrainingRun(
      step, on: loader(tuning), configuration,
      TrainingRun.Plan(
        phase: "tune \(configuration.mode.rawValue)", identity: identity,
        checkpoints: configuration.save ? checkpoints : nil,
        estimate: EndEstimate(evaluatedImages: evaluations * testImages)),
      stage: stage)
    let first = try run.begin(claim)
    announce(first)
    try train(attacked, run, from: first, sets: subject.sets, context: context, &outcome)
    return outcome
  }

  private func train(
    _ attacked: AttackedModel, _ run: TrainingRun, from first: TrainingPosition, sets: TestSets,
    context: ComputeContext, _ outcome: inout TuneOutcome
  ) throws {
    let evaluator = Evaluator(
      model: attacked.model, batchSize: batchSize, normalization: normalization,
      communicator: communicator, context: context, observer: stage.observer,
      name: "the model tuned by \(configuration.mode.rawValue)")
    var latest: TestResults?
    outcome.stopped = try run.train(from: first) { epoch in
      latest = isEvaluated(epoch) ? try run.evaluate(evaluator, sets) : nil
      try run.save(AttackDataFrame.fineTuningRow(epoch, tests: latest), after: epoch)
      if let timing = epoch.timing { outcome.timings.append(timing) }
      stage.tell(
        .epoch(EpochSummary(epoch, epochs: configuration.epochs, tests: latest)))
    }
    outcome.isResumable = outcome.stopped != nil && configuration.save
    // A model tuned in part is nobody's result, and who interrupts does not want to wait.
    if outcome.stopped == nil {
      let tests = try latest ?? run.evaluate(evaluator, sets)
      if configuration.save {
        try run.archive {
          try save(attacked, rows: run.rows, tests: tests)
          checkpoints.prune(to: 0)
        }
      }
      (outcome.after, outcome.model) = (tests.metrics, attacked.model.store.fingerprint)
      stage.tell(.measured(tests.metrics, .after))
    }
    try run.finish()
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
      stage.tell(.message(line))
    }
    if configuration.resume != .off {
      stage.tell(
        .message(configuration.save ? first.resumption : "nothing to go on from without --save"))
    }
  }

  private var resultPath: String { "\(configuration.defenseFolder)/defense_result.pt" }

  private var checkpoints: CheckpointFolder {
    CheckpointFolder(path: configuration.defenseFolder, keep: configuration.keepCheckpoints)
  }

  private func claimFolder(_ identity: RunIdentity) throws -> RunClaim? {
    guard configuration.save else { return nil }
    return try stage.claim(
      checkpoints, resume: configuration.resume, identity: identity,
      columns: AttackDataFrame.fineTuningColumns,
      isInWay: FileManager.default.fileExists(atPath: resultPath))
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

  var batchSize: Int {
    configuration.globalBatchSize(worldSize: communicator.worldSize)
  }

  var normalization: Normalization {
    configuration.pixelStatistics.normalization(of: configuration.dataset)
  }

  /// The clean images that the model is tuned on.
  private func tuningImages(of train: LabeledImages) throws -> LabeledImages {
    train.selecting(
      try configuration.tuningIndices(
        labels: train.labels, classCount: train.classCount,
        communicator: communicator))
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

  func makeStep(
    _ model: Network, imageCount: Int, context: ComputeContext
  ) -> ClassifierStep {
    let recipe = TuningRecipe(configuration.mode)
    let isPenalized = recipe.shiftsFeatures && configuration.labelSmoothing == nil
    let penalty = FeatureShiftPenalty(
      head: model.head, of: model.store, alpha: isPenalized ? configuration.alpha : 0)
    if recipe.reinitializesHead {
      Initializer.initializeHead(model.head, of: model.store, seed: configuration.randomSeed)
    }
    return ClassifierStep(
      model: model,
      optimizer: SGD(
        for: model.store, momentum: configuration.momentum,
        weightDecay: configuration.weightDecay),
      loss: .smoothingOtherClasses(
        configuration.labelSmoothing ?? 0, classCount: model.head.outputs), penalty: penalty,
      trainable: recipe.trainable,
      largestShare: communicator.largestShare(of: min(batchSize, imageCount)),
      accumulationSteps: configuration.accumulationSteps,
      compression: configuration.compression, powerSGD: configuration.powerSGD,
      communicator: communicator, context: context)
  }

  func loader(_ tuning: LabeledImages) -> BatchLoader {
    let sampler = ShardedSampler(
      count: tuning.count, batchSize: batchSize, shuffleSeed: configuration.randomSeed,
      dropLast: false, worldSize: communicator.worldSize, rank: communicator.rank)
    return BatchLoader(
      images: tuning, sampler: sampler, normalization: normalization,
      augmentation: configuration.augmentation,
      seed: configuration.randomSeed)
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
      model: attacked.stateDict, modelName: attacked.description.archivedName,
      numClasses: attacked.description.classCount
    ).write(
      to: resultPath,
      form: configuration.defenseForm == .bare ? .bare : .dictionary)
  }
}

extension TuneOutcome: LoggedOutcome {
  var logLines: [String] {
    stopped.map { ["interrupted after \($0)"] } ?? before.table(andAfter: after)
  }
}
