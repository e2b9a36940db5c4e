import Distributed
import Foundation

/// What a sweep came to.
public struct SweepOutcome: Sendable {
  /// One run that failed.
  public struct Failure: Equatable, Sendable {
    /// The run's name.
    public var id: String
    /// Its one line.
    public var message: String
  }

  /// The selected runs.
  public var runCount = 0
  /// Those that were finished before.
  public var finishedBefore = 0
  /// Those that were finished now.
  public var finishedNow = 0
  /// Tunings, and attacks, that wait for an attack which failed or was not to be trained.
  public var waiting = 0
  /// Those that failed, in order.
  public var failures: [Failure] = []
  /// Whether the sweep was interrupted.
  public var isStopped = false
  /// Wall time, seconds.
  public var seconds = 0.0
}

/// Does the runs of a plan one after the other, each on all ranks, and keeps what they come to.
///
/// It owns the dataset, which all runs share, and the outcome so far. A run whose result is on disk
/// is not done again; one that fails is put down and the next one done.
public final class Sweep {
  private let plan: SweepPlan
  private let groups: [SweepGroup]
  private let trainsAttacks: Bool
  private let folder: SweepFolder
  let communicator: any Communicator
  private let observer: (String?) -> any TrainingObserver
  let general: any TrainingObserver
  let interruption: Interruption
  private var dataset: DatasetPair?
  var outcome = SweepOutcome()

  /// A sweep over the runs of `plan` that `selection` names.
  ///
  /// `observer` gives who is told of a run with a log in that folder, on rank 0. Throws
  /// `ConfigError`.
  public init(
    _ plan: SweepPlan, selection: SweepSelection, communicator: any Communicator,
    interruption: Interruption, observer: @escaping (String?) -> any TrainingObserver
  ) throws {
    self.plan = plan
    self.communicator = communicator
    self.interruption = interruption
    self.observer = observer
    groups = try communicator.together { try selection.groups(of: plan) }
    trainsAttacks = selection.trainsAttacks
    folder = SweepFolder(plan)
    general = observer(nil)
  }

  /// Does the runs; throws one-line errors that no run can do without, as a missing dataset.
  public func run() throws -> SweepOutcome {
    let start = ContinuousClock.now
    let names = groups.flatMap { [$0.attack.id] + $0.tunings.map(\.id) }
    try communicator.requireSameStart(settings: [
      ("command", "sweep"), ("plan", plan.name), ("runs", names.joined(separator: " ")),
    ])
    outcome.runCount = names.count
    tell("sweep \(plan.name): \(names.count) runs")
    for group in groups where try !isStopped() { try run(group) }
    try communicator.onRankZero { try folder.writeTables(of: plan) }
    outcome.seconds = (ContinuousClock.now - start).seconds
    return outcome
  }

  /// Whether any rank was asked to stop; all ranks call it.
  func isStopped() throws -> Bool {
    if outcome.isStopped { return true }
    outcome.isStopped = try communicator.allReduceMaximum(interruption.isRequested ? 1 : 0) > 0
    return outcome.isStopped
  }

  func tell(_ line: String) {
    if communicator.rank == 0 { general.observe(.message(line)) }
  }

  /// "[12/267] name", the position among all selected runs.
  func heading(_ id: String) -> String {
    let done = outcome.finishedBefore + outcome.finishedNow + outcome.waiting
    return "[\(done + outcome.failures.count + 1)/\(outcome.runCount)] \(id)"
  }

  /// `body`'s result, or nil where it failed in a way that all ranks know of.
  ///
  /// That a training diverged is put down as `result`, for the tables.
  func attempt<Result>(
    _ id: String, diverged result: SweepResult? = nil, _ body: () throws -> Result
  ) throws -> Result? {
    do { return try body() } catch {
      guard communicator.worldSize == 1 || error is any ThrownOnAllRanks else { throw error }
      tell("\(heading(id)): failed: \(error)")
      outcome.failures.append(SweepOutcome.Failure(id: id, message: "\(error)"))
      if var result, error is TrainingDiverged || error is NonFiniteLogits {
        result.diverged = "\(error)"
        try write(result)
      }
      return nil
    }
  }

  private func run(_ group: SweepGroup) throws {
    let todo = try communicator.fromRankZero { SweepTodo(group, in: folder.results()) }
    outcome.finishedBefore += todo.finishedCount
    if !todo.attackIsToDo && todo.tunings.isEmpty { return }
    guard todo.attackIsThere || trainsAttacks else {
      tell("\(heading(group.attack.id)): no finished attack here yet")
      return outcome.waiting += todo.count
    }
    try loadDataset(group.attack.configuration)
    var known = todo.attackMetrics
    if !todo.attackIsThere {
      known =
        try attempt(group.attack.id, diverged: result(of: group.attack, BackdoorMetrics())) {
          try attack(group.attack)
        } ?? nil
      if known == nil && !outcome.isStopped { outcome.waiting += todo.tunings.count }
      if known == nil || todo.tunings.isEmpty { return }
    }
    let subject = try attempt(group.attack.id) {
      try takeOver(group.attack, todo: todo, known: known)
    }
    guard let subject else { return outcome.waiting += todo.tunings.count }
    try tune(group, todo, subject)
  }

  private func loadDataset(_ configuration: AttackConfiguration) throws {
    guard dataset == nil else { return }
    let pair = try communicator.together {
      try DatasetLoader.load(
        name: configuration.dataset, path: configuration.datasetPath,
        size: configuration.imageSide.map { ImageSize(side: $0) },
        seed: AttackData.syntheticSeed,
        threads: ThreadCount.resolve(requested: configuration.threads),
        progress: general.reading(on: communicator))
    }
    if communicator.rank == 0 { pair.warnings.forEach { general.observe(.warning($0)) } }
    dataset = pair
  }

  /// Trains an attack, or what is left of it; nil where it was interrupted.
  private func attack(_ run: SweepAttack) throws -> BackdoorMetrics? {
    tell(heading(run.id))
    let result = try BackdoorAttack(
      run.configuration, dataset: dataset, communicator: communicator,
      observer: observer(run.configuration.folder), interruption: interruption
    ).run()
    guard result.stopped == nil else {
      outcome.isStopped = true
      return nil
    }
    let isOnePiece = result.timings.count == result.finishedEpochs
    var kept = self.result(of: run, result.metrics)
    kept.seconds = isOnePiece ? result.seconds : nil
    try keep(kept)
    return result.metrics
  }

  /// The attack's model and images, for its tunings; an attack without a result gets one here.
  private func takeOver(
    _ run: SweepAttack, todo: SweepTodo, known: BackdoorMetrics?
  ) throws -> TuningSubject {
    let attack = run.configuration
    let tune = TuneConfiguration(of: attack)
    let subject = try TuningSubject(
      tune, dataset: dataset, known: known, communicator: communicator,
      observer: QuietObserver(general))
    guard known == nil else { return subject }
    let metrics = try subject.metrics(
      batchSize: tune.globalBatchSize(worldSize: communicator.worldSize),
      context: tune.makeContext(communicator), communicator: communicator,
      observer: QuietObserver(general))
    try communicator.onRankZero { try todo.requireSameImages(metrics, folder: attack.folder) }
    tell("\(heading(run.id)): found finished; \(SweepTable.line(metrics))")
    try keep(result(of: run, metrics))
    return subject
  }

  /// The result of an attack whose model does `metrics`.
  private func result(of run: SweepAttack, _ metrics: BackdoorMetrics) -> SweepResult {
    SweepResult(
      id: run.id, settings: run.settings, before: metrics, seconds: nil,
      folder: run.configuration.folder,
      threads: ThreadCount.resolve(requested: run.configuration.threads),
      communicator: communicator)
  }

  private func write(_ result: SweepResult) throws {
    try communicator.onRankZero {
      try folder.write(result)
      try folder.writeTables(of: plan)
    }
  }

  func keep(_ result: SweepResult) throws {
    try write(result)
    outcome.finishedNow += 1
  }
}

extension TuneConfiguration {
  /// What reading the result of `attack` takes.
  fileprivate init(of attack: AttackConfiguration) {
    self.init(attack: attack.attack)
    record = attack.record
    resultPath = attack.folder
    (dataset, datasetPath) = (attack.dataset, attack.datasetPath)
    (model, attackTarget) = (attack.model, attack.attackTarget)
    (labelTransform, settings) = (attack.labelTransform, attack.settings)
    (batchSize, batchSizePerRank) = (attack.batchSize, attack.batchSizePerRank)
    (threads, convolution, precision) = (attack.threads, attack.convolution, attack.precision)
  }
}
