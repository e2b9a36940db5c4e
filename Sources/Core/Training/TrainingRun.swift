import Distributed

/// The training that attacks and defences share: state restored, replicas compared, steps taken with
/// checkpoints on the way, times kept.
struct TrainingRun {
  /// Takes the times and compares the replicas.
  let watch: TrainingWatch
  private let stage: Stage
  private let step: any TrainingStep
  private let trainer: Trainer

  /// What a run's steps are taken with.
  struct Plan {
    /// What is being done, for progress lines.
    var phase: String
    /// What a checkpoint must have been saved with.
    var identity: RunIdentity
    /// Where the state is saved; nil where it is not.
    var checkpoints: CheckpointFolder?
    /// Says how long the run will take.
    var estimate: EndEstimate
    /// How the learning rate falls; nil is as the settings say.
    var schedule: LearningRateSchedule?
  }

  /// The training that `step` does on the batches of `loader`; all ranks make it together.
  init(
    _ step: any TrainingStep, on loader: BatchLoader, _ configuration: some TrainingConfiguration,
    _ plan: Plan, stage: Stage
  ) throws {
    let watch = try TrainingWatch(
      step, checkReplicas: configuration.checkReplicas, timeline: configuration.timelinePath)
    (self.watch, self.step, self.stage) = (watch, step, stage)
    let (schedule, losses) = (
      plan.schedule ?? configuration.learningRateSchedule, EpochLosses()
    )
    let keeper = plan.checkpoints.map {
      CheckpointKeeper(
        $0, identity: plan.identity, step: step, sampler: loader.sampler,
        losses: schedule.followsLosses ? losses : nil, observer: stage.observer)
    }
    trainer = Trainer(
      step: step, loader: loader, schedule: schedule,
      epochs: configuration.epochs, maxSteps: configuration.maxSteps, phase: plan.phase,
      observer: stage.observer,
      boundary: StepBoundary(
        interruption: stage.interruption, keeper: keeper, interval: configuration.checkpointSteps,
        timer: watch.timer, communicator: stage.communicator, observer: stage.observer),
      watch: watch, estimate: plan.estimate, losses: losses)
    let steps = min(trainer.epochs * loader.sampler.stepsPerEpoch, trainer.maxSteps ?? .max)
    if configuration.compression == .powersgd, configuration.powerSGD.start >= steps,
      stage.communicator.worldSize > 1
    {
      stage.tell(
        .warning(
          "compress powersgd has no effect: of \(steps) steps powersgd_start leaves out the first "
            + "\(configuration.powerSGD.start)"))
    }
  }

  /// The rows of the finished epochs.
  var rows: [[AttackDataFrame.Value]] { trainer.keeper?.rows ?? [] }

  /// Takes over what `claim` goes on from, on all ranks; the position to start from.
  func begin(_ claim: RunClaim?) throws -> TrainingPosition {
    let first = try trainer.keeper?.restore(claim?.saved) ?? TrainingPosition()
    try watch.replicas.verify("at the start")
    return first
  }

  /// Trains from `start` on and calls `epochEnded` after each epoch, once all ranks are known to hold
  /// the same; nil once all epochs are trained, else where a signal stopped it.
  func train(
    from start: TrainingPosition, epochEnded: (Trainer.Epoch) throws -> Void
  ) throws -> TrainingPosition? {
    try trainer.run(from: start) { epoch in
      try watch.replicas.verify("after epoch \(epoch.index + 1)")
      try epochEnded(epoch)
    }
  }

  /// Saves the state after an epoch with its row.
  func save(_ row: [AttackDataFrame.Value], after epoch: Trainer.Epoch) throws {
    try trainer.keeper?.save(row, afterEpoch: epoch.index)
  }

  /// What `evaluator` says of `sets`, its time taken.
  func evaluate(_ evaluator: Evaluator, _ sets: TestSets) throws -> TestResults {
    try watch.timer.measure(.evaluate) { try evaluator.run(sets) }
  }

  /// What `body` measures, its time taken.
  func evaluate<Result>(_ body: () throws -> Result) throws -> Result {
    try watch.timer.measure(.evaluate, body)
  }

  /// Writes on rank 0 what `body` writes, its time taken.
  func archive(_ body: () throws -> Void) throws {
    try watch.timer.measure(.save) { try stage.communicator.onRankZero(body) }
  }

  /// Writes the timeline, if one was asked for; all ranks call it, also after an interruption.
  func finish() throws {
    try watch.finish().forEach { stage.tell(.warning($0)) }
  }
}
