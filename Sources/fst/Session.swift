import Core
import Distributed
import Foundation

/// One command's run on this rank: the group of ranks, who watches, and how it ends.
struct Session {
  let communicator: any Communicator
  let observer: any TrainingObserver
  let interruption: Interruption

  /// Runs `body` on every rank and ends the process on a failure, with one message for all ranks.
  ///
  /// `configure` reads flags and files; `body` gets what it made and works on it. What `body`
  /// returns is reported on rank 0 alone. See Note [One failure ends all] in Distributed.
  static func run<Configuration: Sendable, Outcome>(
    logFolder: (Configuration) -> String?, savesOnSignals: Bool = true,
    configure: () throws -> DecodedConfiguration<Configuration>,
    body: (Configuration, Session) throws -> Outcome,
    report: (Outcome) throws -> Int32
  ) throws {
    let communicator = try MPIEnvironment.communicator()
    var status: Int32 = 0
    do {
      let decoded = try together(communicator, configure)
      let session = Session(
        communicator: communicator,
        observer: communicator.rank == 0
          ? Progress.observer(logFolder: logFolder(decoded.configuration))
          : CombinedObserver(observers: []),
        interruption: savesOnSignals
          ? Signals.interruption(announcing: communicator.rank == 0) : Interruption())
      decoded.warnings.forEach { session.observer.observe(.warning($0)) }
      let outcome = try body(decoded.configuration, session)
      Progress.finishLine()
      if communicator.rank == 0 { status = try report(outcome) }
      status = Int32(truncatingIfNeeded: try communicator.allReduceMaximum(Int64(status)))
      try MPIEnvironment.finalize()
    } catch {
      Progress.finishLine()
      fail(error, communicator)
    }
    if status != 0 { exit(status) }
  }

  /// Reads the configuration on all ranks; a mistake that any rank finds is every rank's failure.
  private static func together<Configuration>(
    _ communicator: any Communicator, _ configure: () throws -> DecodedConfiguration<Configuration>
  ) throws -> DecodedConfiguration<Configuration> {
    do {
      return try communicator.together(configure)
    } catch let failure as SharedFailure {
      throw UsageFailure(description: failure.description)
    }
  }

  /// Prints the one line and ends: all ranks alike where all know of the failure, else by abort.
  private static func fail(_ error: any Error, _ communicator: any Communicator) -> Never {
    let status = ExitStatus.of(error)
    if communicator.worldSize == 1 || error is any ThrownOnAllRanks {
      if communicator.rank == 0 { Ending.say("\(error)") }
      try? MPIEnvironment.finalize()
      exit(status)
    }
    // Where all ranks meet the same error, rank 0's abort takes its time to reach the others.
    if communicator.rank > 0 { Thread.sleep(forTimeInterval: 1) }
    communicator.waitForTurnToFail()
    Ending.say("rank \(communicator.rank) (\(communicator.hostName)): \(error)")
    communicator.abort(exitCode: status)
  }
}
