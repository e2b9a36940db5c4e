import Core
import Distributed
import Foundation
import Synchronization
import TestSupport

/// Attacks and tunings of a `TinyDataset` in this process, ranks as threads, stopped where a test
/// wants them to be.
struct InProcessRun: Sendable {
  /// Four steps an epoch.
  static let epochs = 3

  /// Kept, since its end removes the files.
  let tiny: TinyDataset
  let record: String
  var worldSize = 1
  var sharesStatistics = false

  init(_ tiny: TinyDataset, record: String, worldSize: Int = 1, sharesStatistics: Bool = false) {
    self.tiny = tiny
    self.record = "\(tiny.folder)/\(record)/record"
    self.worldSize = worldSize
    self.sharesStatistics = sharesStatistics
  }

  /// The run's folder.
  var folder: String { "\(record)/run" }
  /// The folder of its tuning.
  var defenseFolder: String { "\(folder)/defense/fst" }

  /// Attacks; `act` is called on rank 0 after each step, with the number of steps so far.
  @discardableResult
  func attack(
    resume: ResumeMode = .off, checkpointSteps: Int = 0, keep: Int = 2, threads: Int = 1,
    act: @escaping @Sendable (Int, Interruption) -> Void = { _, _ in }
  ) throws -> (outcome: AttackOutcome, said: [String]) {
    var configuration = AttackConfiguration(attack: .badnet)
    configuration.dataset = "image_folder"
    configuration.datasetPath = "\(tiny.folder)/data"
    (configuration.record, configuration.saveFolderName) = (record, "run")
    (configuration.width, configuration.batchSize) = (4, 10)
    (configuration.epochs, configuration.threads) = (Self.epochs, threads)
    configuration.syncBatchNorm = sharesStatistics
    configuration.resume = resume
    (configuration.checkpointSteps, configuration.keepCheckpoints) = (checkpointSteps, keep)
    let fixed = configuration
    return try run(act) { communicator, observer, interruption in
      try BackdoorAttack(
        fixed, communicator: communicator, observer: observer, interruption: interruption
      ).run()
    }
  }

  /// Tunes what `attack` left, with settings that `change` alters.
  @discardableResult
  func tune(
    resume: ResumeMode = .off, act: @escaping @Sendable (Int, Interruption) -> Void = { _, _ in },
    change: (inout TuneConfiguration) -> Void = { _ in }
  ) throws -> (outcome: TuneOutcome, said: [String]) {
    var configuration = TuneConfiguration(attack: .badnet)
    configuration.dataset = "image_folder"
    configuration.datasetPath = "\(tiny.folder)/data"
    configuration.resultPath = folder
    (configuration.batchSize, configuration.splitRatio) = (6, 0.5)
    (configuration.epochs, configuration.threads) = (Self.epochs, 1)
    (configuration.save, configuration.resume) = (true, resume)
    change(&configuration)
    let fixed = configuration
    return try run(act) { communicator, observer, interruption in
      try FineTuning(
        fixed, communicator: communicator, observer: observer, interruption: interruption
      ).run()
    }
  }

  private func run<Outcome: Sendable>(
    _ act: @escaping @Sendable (Int, Interruption) -> Void,
    _ body:
      @escaping @Sendable (any Communicator, any TrainingObserver, Interruption) throws -> Outcome
  ) throws -> (outcome: Outcome, said: [String]) {
    let interruption = Interruption()
    let observer = StepObserver { act($0, interruption) }
    let outcomes = try LocalGroup.run(worldSize: worldSize) { communicator in
      try body(
        communicator, observer, communicator.rank == 0 ? interruption : Interruption())
    }
    return (outcomes[0], observer.said)
  }

  /// The content of the archive and of the frame.
  func result() throws -> (model: StateDict, frame: String) {
    (
      try AttackResult.read(path: "\(folder)/attack_result.pt").model,
      try String(contentsOfFile: "\(folder)/attack_df.csv", encoding: .utf8)
    )
  }

  /// The run's checkpoints, the newest first.
  var checkpoints: [String] { CheckpointFolder(path: folder, keep: 1).files }
}

/// Acts after each step, and keeps the messages and warnings.
private final class StepObserver: TrainingObserver {
  private let act: @Sendable (Int) -> Void
  private let lines = Mutex<[String]>([])

  init(act: @escaping @Sendable (Int) -> Void) { self.act = act }

  var said: [String] { lines.withLock { $0 } }

  func observe(_ event: TrainingEvent) {
    switch event {
    case .message(let line), .warning(let line): lines.withLock { $0.append(line) }
    case .step(let progress): act((progress.epoch - 1) * progress.steps + progress.step)
    case .note, .claimed, .epoch, .evaluating, .embedding, .working, .measured, .picture: break
    }
  }
}

/// Lines gathered from another thread.
final class Seen: Sendable {
  private let lines = Mutex<[String]>([])

  var all: [String] { lines.withLock { $0 } }

  func add(_ line: String) { lines.withLock { $0.append(line) } }
}
