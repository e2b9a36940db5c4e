import Core
import Distributed
import Foundation

/// The exit statuses that the program's help promises.
enum ExitStatus {
  static let failure: Int32 = 1
  /// `EX_USAGE` of sysexits.h: flags or configuration.
  static let usage: Int32 = 64
  /// `EX_TEMPFAIL`: interrupted, and it is worth trying again.
  static let interrupted: Int32 = 75

  /// The status that says what kind of failure `error` is.
  static func of(_ error: any Error) -> Int32 {
    switch error {
    case is ConfigError, is UsageFailure: usage
    case let error as any UserMistake where error.isUserMistake: usage
    case MPIError.noContact: interrupted
    default: failure
    }
  }
}

/// A mistake in flags or configuration files, found on some rank.
struct UsageFailure: ThrownOnAllRanks, CustomStringConvertible {
  var description: String
}

/// Ends the process with one line that says why.
enum Ending {
  /// This process's rank as its launcher says, before MPI is started; 0 without a launcher.
  static let launchedRank: Int = {
    let variables = ProcessInfo.processInfo.environment
    return ["OMPI_COMM_WORLD_RANK", "PMIX_RANK"].lazy
      .compactMap { variables[$0].flatMap { Int($0) } }.first
      ?? LauncherClaim.of(variables)?.rank ?? 0
  }()

  /// Prints `fst: <message>` on rank 0 and ends with `status`, before or without MPI.
  static func fail(_ message: String, status: Int32) -> Never {
    yieldToRank0(status: status)
    say(message)
    exit(status)
  }

  /// Ends with `status` once the result is out; with 1 where it could not be written.
  static func end(_ status: Int32) -> Never { exit(StandardOutput.finish(status)) }

  /// Ends after the argument parser threw: help and version to standard output, errors as one line.
  static func ofParsing(_ error: any Error) -> Never {
    let status = FST.exitCode(for: error).rawValue
    guard status != 0 else {
      if launchedRank == 0 { print(FST.fullMessage(for: error)) }
      end(0)
    }
    fail(CommandWords.explaining(FST.message(for: error)), status: ExitStatus.usage)
  }

  /// Prints `fst: <message>` as one line of standard error, nothing of it raw.
  static func say(_ message: String) {
    let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
    let shown = line.prefix(longestMessage)
    StandardError.line("fst: \(shown)\(shown.count < line.count ? "…" : "")")
  }

  /// Characters of a message; what an error quotes may be as long as the file it is from.
  private static let longestMessage = 2000

  /// Lets rank 0 speak and end first: all ranks make the same mistake, and the launcher kills the
  /// rest as soon as one of them ends.
  private static func yieldToRank0(status: Int32) {
    guard launchedRank > 0 else { return }
    Thread.sleep(forTimeInterval: 2)
    exit(status)
  }
}
