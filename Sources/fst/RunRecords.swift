import ArgumentParser
import Core
import Distributed
import Foundation
import Synchronization

/// Records of a run for other programs.
struct RecordOptions: ParsableArguments {
  @Option(
    name: .key("tensorboard"),
    help: ArgumentHelp(
      """
      Write losses, rates and trigger images for TensorBoard, into a new event file in this \
      folder (default: none).
      """, valueName: "folder"), completion: .directory)
  var tensorboard: String?

  @Option(
    name: .key("log_json"),
    help: ArgumentHelp(
      """
      Add a line of JSON to this file for each step, each epoch and each message; - is standard \
      output, where the result is one more line (default: none).
      """, valueName: "file"), completion: .file())
  var logJSON: String?

  /// Whether lines of JSON go to standard output, where all else then has to be JSON too.
  var takesOutput: Bool { logJSON == "-" }
}

/// The records of a run that were asked for, and the trainings that are the run's own.
struct RunRecords {
  let options: RecordOptions
  var phases: Set<String> = []

  /// Opens them on rank 0; what cannot be written is found out here, by all ranks.
  func open(on communicator: any Communicator) throws -> OpenRecords? {
    guard options.tensorboard != nil || options.logJSON != nil else { return nil }
    do {
      return try communicator.together {
        communicator.rank == 0 ? try OpenRecords(self, ranks: communicator.worldSize) : nil
      }
    } catch let failure as SharedFailure where failure.rank == 0 {
      throw failure.withoutRank
    }
  }
}

/// Records that a run writes, on rank 0.
final class OpenRecords: TrainingObserver {
  private let tensorboard: TensorBoardRecorder?
  private let lines: JSONLinesRecorder?
  private let start = ContinuousClock.now
  private let outcome = Mutex("failed")

  init(_ records: RunRecords, ranks: Int) throws {
    let warn: @Sendable (String) -> Void = {
      Progress.finishLine()
      StandardError.line("warning: \($0)")
    }
    let (version, command) = (FST.configuration.version, CommandLine.arguments)
    lines =
      switch records.options.logJSON {
      case nil: nil
      case "-":
        try JSONLinesRecorder(version: version, command: command, ranks: ranks, warn: warn) {
          StandardOutput.write($0)
        }
      case let path?:
        try JSONLinesRecorder(
          path: path, version: version, command: command, ranks: ranks, warn: warn)
      }
    tensorboard = try records.options.tensorboard.map {
      try TensorBoardRecorder(folder: $0, phases: records.phases, warn: warn)
    }
  }

  func observe(_ event: TrainingEvent) {
    tensorboard?.observe(event)
    lines?.observe(event)
  }

  /// Notes that the run ended with `status`; one that never does has failed.
  func end(with status: Int32) {
    outcome.withLock { $0 = status == ExitStatus.interrupted ? "interrupted" : "done" }
  }

  /// Writes what waits, and how the run ended.
  func finish() {
    tensorboard?.finish()
    lines?.finish(outcome.withLock { $0 }, seconds: start.duration(to: .now) / .seconds(1))
  }
}
