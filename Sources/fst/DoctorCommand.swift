import ArgumentParser
import Core
import Distributed

/// `fst doctor`: what this machine or cluster has, and what is wrong with it.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Look at the machines that a run would have: cores, libraries, links, folders.",
    discussion: """
      Alone it looks at this machine and never touches MPI; under mpirun or
      srun at all ranks, the links between their hosts, the sum of a gradient
      of 44.7 MB, and the hosts' clocks.

        fst doctor
        mpirun -np 4 --hostfile hostfile fst doctor --record /shared/record

      A problem is a line that begins with "warning:", or with "broken:" where
      runs would fail; the exit status is 1 only then.
      Runs alone or on many ranks.
      """)

  @Option(
    name: .key("record"),
    help: ArgumentHelp(
      "A folder of records: rank 0 writes a small file there, all ranks look for it.",
      valueName: "folder"))
  var record: String?

  @Option(
    name: .key("dataset_path"),
    help: ArgumentHelp("A folder of data: all ranks look for it.", valueName: "folder"))
  var datasetPath: String?

  @Option(
    name: .key("threads"),
    help: ArgumentHelp("Threads of each rank (default: its share of the cores).", valueName: "n"))
  var threads: Int?

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads: expected 1 to 1024, found \(threads)")
    }
  }

  func run() throws {
    var isBroken: Int64 = 0
    let status = MPIEnvironment.run(
      report: { Ending.say("\($0)") }, exitCode: ExitStatus.of
    ) { communicator in
      let report = try Doctor(on: communicator).run(
        threads: threads, record: record, datasetPath: datasetPath)
      if communicator.rank == 0 {
        if output.json { try DoctorTable.printJSON(report) } else { DoctorTable.print(report) }
      }
      isBroken = report.problems.contains(where: \.isBroken) ? 1 : 0
      isBroken = try communicator.allReduceMaximum(isBroken)
    }
    if status != 0 { throw ExitCode(status) }
    if isBroken != 0 { throw ExitCode(ExitStatus.failure) }
  }
}
