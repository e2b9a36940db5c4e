import ArgumentParser
import Core
import Distributed
import Foundation

/// `fst sweep`: all runs of an experiment's plan.
struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Do the attacks, tunings and defences of a plan, and tabulate what they come to.",
    discussion: """
      A plan is a YAML file: lists of attacks, pratios, attack_seeds, modes,
      alphas (numbers, or auto), defences and tuning_seeds; clean: true for a
      clean model beside them, which attacks that start from one take;
      retuning: true to test by ra what each tuning and defence has left, and
      reactivation: true to test it by qra too;
      save: none, first or all of each tuning's models (default: first, the
      first tuning seed's; all where they are tested); settings that all
      share; and the sections attack:, tune: and defend: with settings of
      their own, under the keys of those commands. In attack: and defend: the
      name of one attack or defence may hold settings for it alone, of an
      attack its own pratios too.

        fst sweep config/experiments/demo.yaml
        fst sweep config/experiments/cifar10-width16.yaml --dry_run
        mpirun -np 4 fst sweep plan.yaml --only 'blended.*\\.fst'

      Each attack is followed by its tunings. What is finished is not done
      again, run folders that fst attack made with the same settings
      included; an attack that was killed goes on from its checkpoint. What
      fails is reported at the end, with status 1, and stops nothing else.
      Ctrl-C and SIGTERM save and stop with status 75; the same command goes
      on. An attack seed other than 0 is added to its folder's name.

      Results are in <record>/sweep/<plan>/: results.csv has a row for each
      run, results.md means over seeds, board.md attacks by defences, runs/ a
      file for each run with its settings. They grow as each run ends.
      Runs alone or on many ranks, each run on all of them.
      """)

  @Argument(
    help: ArgumentHelp("The plan, a YAML file.", valueName: "plan"),
    completion: .file(extensions: ["yaml", "yml"]))
  var plan: String

  @Option(
    name: .key("record"),
    help: ArgumentHelp("The root of all runs' folders (default: the plan's).", valueName: "folder"))
  var record: String?

  @Option(
    name: .key("dataset_path"),
    help: ArgumentHelp("The folder with the dataset (default: the plan's).", valueName: "folder"))
  var datasetPath: String?

  @Option(
    name: .key("threads"),
    help: ArgumentHelp("Threads of each rank (default: the plan's).", valueName: "n"))
  var threads: Int?

  @Option(
    name: .key("only"),
    help: ArgumentHelp(
      "Only runs in whose name this regular expression is found, and the attacks they need.",
      valueName: "regex"))
  var only: String?

  @Option(
    name: .key("index"),
    help: ArgumentHelp(
      "Of --of tasks that share the attacks, each with its tunings, this one, from 0 (default: 0).",
      valueName: "i"))
  var index = 0

  @Option(
    name: .key("of"),
    help: ArgumentHelp("The number of those tasks (default: 1).", valueName: "n"))
  var taskCount = 1

  @Flag(
    name: .key("no_attacks"),
    help: "Train no attack: tune the finished ones that are there, and leave the others' tunings.")
  var noAttacks = false

  @Option(
    name: .key("max_minutes"),
    help: ArgumentHelp(
      "Save and stop after so many minutes, as SIGTERM would (default: never).", valueName: "n"))
  var maxMinutes: Double?

  @Flag(name: .key("dry_run"), help: "List the runs with estimated times, and do none.")
  var dryRun = false

  @Flag(name: .key("json"), help: "The result as one JSON object in the last line of output.")
  var json = false

  @OptionGroup var page: PageOptions

  func validate() throws {
    guard (1...1_000_000).contains(taskCount) else {
      throw ValidationError("--of: expected 1 to 1000000, found \(taskCount)")
    }
    if let maxMinutes, !(0...1_000_000).contains(maxMinutes) {
      throw ValidationError("--max_minutes: expected 0 to 1000000, found \(maxMinutes)")
    }
    guard (0..<taskCount).contains(index) else {
      throw ValidationError("--index: expected 0 to \(taskCount - 1), found \(index)")
    }
  }

  func run() throws {
    if dryRun { return try listRuns() }
    try Session.run(
      logFolder: { _ in nil },
      threads: { $0.groups.first?.attack.configuration.threads },
      precision: \.precision,
      configure: decode,
      body: { plan, session in
        let first = plan.groups.first?.attack.configuration
        let watch = try session.watchStalls(
          warning: first?.stallWarning ?? 0, exit: first?.stallExit ?? 0)
        defer { watch?.stop() }
        let isRoot = session.communicator.rank == 0
        if let maxMinutes {
          let interruption = session.interruption
          DispatchQueue.global().asyncAfter(deadline: .now() + 60 * maxMinutes) {
            interruption.request()
          }
        }
        let outcome = try Sweep(
          plan, selection: selection, communicator: session.communicator,
          interruption: session.interruption,
          observer: { folder in
            guard isRoot, let folder else { return session.observer }
            return Progress.observer(logFolder: folder)
          }
        ).run()
        return (plan, outcome)
      },
      report: { plan, outcome in
        let path = outcome.isStopped ? nil : page.write(in: SweepFolder(plan).path)
        return try Report.sweep(plan, outcome, page: path, json: json)
      })
  }

  /// Only one rank lists: it waits for no other.
  private func listRuns() throws {
    let status = MPIEnvironment.run(report: { Ending.say("\($0)") }, exitCode: ExitStatus.of) {
      communicator in
      guard communicator.rank == 0 else { return }
      let plan = try decode().configuration
      try Report.runs(plan, selection: selection, ranks: communicator.worldSize, json: json)
    }
    if status != 0 { throw ExitCode(status) }
  }

  private func decode() throws -> DecodedConfiguration<SweepPlan> {
    let flags: [(String, ConfigValue?)] = [
      ("record", record.map { .text($0) }), ("dataset_path", datasetPath.map { .text($0) }),
      ("threads", threads.map { .integer($0) }),
    ]
    var decoded = try ConfigDecoder.sweep(
      plan: plan,
      flags: flags.compactMap { key, value in value.map { ConfigArgument(key: key, value: $0) } })
    decoded.configuration.addArgument(.commandLine)
    return decoded
  }

  private var selection: SweepSelection {
    var selection = SweepSelection()
    (selection.only, selection.index, selection.taskCount) = (only, index, taskCount)
    selection.trainsAttacks = !noAttacks
    return selection
  }
}
