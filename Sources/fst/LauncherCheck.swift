import ArgumentParser
import Core
import Distributed
import Foundation

/// What commands do where a launcher started several processes that do not hear of each other.
///
/// Commands that write runs end: n worlds of one would do the same work in the same folder. Others
/// say so and go on. `fst doctor` has a line of its own for it.
enum LauncherCheck {
  /// Looks at the variables alone, before MPI, which starts for launchers that it knows.
  static func run(before command: any ParsableCommand) {
    let variables = ProcessInfo.processInfo.environment
    guard !MPIEnvironment.isLaunched(variables), !(command is DoctorCommand),
      let claim = MPIEnvironment.unjoined(variables)
    else { return }
    if writesRuns(command) { Ending.fail(claim.complaint, status: ExitStatus.usage) }
    if claim.rank == 0 { StandardError.write("warning: \(claim.complaint)\n") }
  }

  /// Throws or warns, once MPI has started and found a world of one.
  static func run(on communicator: any Communicator, writesRuns: Bool) throws {
    let variables = ProcessInfo.processInfo.environment
    guard MPIEnvironment.isLaunched(variables),
      let claim = MPIEnvironment.unjoined(variables, worldSize: communicator.worldSize)
    else { return }
    if writesRuns { throw UsageFailure(description: claim.complaint) }
    if claim.rank == 0 { StandardError.write("warning: \(claim.complaint)\n") }
  }

  /// Tasks that share a plan's attacks by --index are each alone on purpose.
  private static func writesRuns(_ command: any ParsableCommand) -> Bool {
    if let sweep = command as? SweepCommand { return sweep.taskCount == 1 && !sweep.dryRun }
    return command is AttackCommand || command is TuneCommand || command is DefendCommand
  }
}
