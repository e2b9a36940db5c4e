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
  /// `threads` are those asked for, of which a warning may be due; `precision` is what the processors
  /// of all ranks must have. `configure` reads flags and
  /// files; `body` gets what it made and works on it, and `records` are kept of it. What `body`
  /// returns is reported on rank 0 alone. See Note [One failure ends all] in Distributed.
  static func run<Configuration: Sendable, Outcome>(
    logFolder: (Configuration) -> String?, savesOnSignals: Bool = true,
    threads: (Configuration) -> Int? = { _ in nil },
    precision: (Configuration) -> PrecisionChoice = { _ in .float32 },
    records: (Configuration) -> RunRecords? = { _ in nil },
    configure: () throws -> DecodedConfiguration<Configuration>,
    body: (Configuration, Session) throws -> Outcome,
    report: (Outcome) throws -> Int32
  ) throws {
    var member: (any Communicator)?
    var outcomeStatus: Int32 = 0
    let failureStatus = MPIEnvironment.run(
      report: {
        Progress.finishLine()
        Ending.say(message($0, from: member))
      }, exitCode: ExitStatus.of
    ) { communicator in
      member = communicator
      try LauncherCheck.run(on: communicator, writesRuns: savesOnSignals)
      let isRoot = communicator.rank == 0
      let decoded = try together(communicator, configure)
      let kept = try records(decoded.configuration)?.open(on: communicator)
      defer { kept?.finish() }
      let folder = logFolder(decoded.configuration)
      let session = Session(
        communicator: communicator,
        observer: CombinedObserver(
          observers: isRoot ? Progress.observers(logFolder: folder, and: kept) : []),
        interruption: savesOnSignals
          ? Signals.interruption(announcing: isRoot) : Interruption())
      try session.warn(decoded.warnings, threads: threads(decoded.configuration))
      let precision = precision(decoded.configuration)
      try communicator.requirePrecision(precision)
      if isRoot, precision == .auto {
        session.observer.observe(
          .message("precision: auto, which is \(precision.resolved.name) on this processor"))
      }
      let outcome = try body(decoded.configuration, session)
      Progress.finishLine()
      if isRoot {
        let status = try report(outcome)
        kept?.end(with: status)
        outcomeStatus = StandardOutput.finish(status)
      }
      outcomeStatus = Int32(
        truncatingIfNeeded: try communicator.allReduceMaximum(Int64(outcomeStatus)))
    }
    let status = failureStatus != 0 ? failureStatus : outcomeStatus
    if status != 0 { Ending.end(status) }
  }

  /// Passes on `warnings` and those that so many threads are due; throws where they have no room.
  private func warn(_ warnings: [String], threads: Int?) throws {
    warnings.forEach { observer.observe(.warning($0)) }
    try communicator.together { try Limits.requireAddressSpace(threads: threads) }
    try Doctor(on: communicator).threadWarnings(threads: threads)
      .forEach { observer.observe(.warning($0)) }
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

  /// The error's line; with rank and host where this rank of several alone knows of it.
  private static func message(_ error: any Error, from member: (any Communicator)?) -> String {
    guard let member, member.worldSize > 1, !(error is any ThrownOnAllRanks) else {
      return "\(error)"
    }
    return "rank \(member.rank) (\(member.hostName)): \(error)"
  }
}
