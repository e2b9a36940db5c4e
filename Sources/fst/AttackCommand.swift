import ArgumentParser
import Core

/// `fst attack`: trains a model on poisoned data and archives it.
struct AttackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attack",
    abstract: "Train a backdoored model and write attack_result.pt.",
    discussion: """
      Poisons a share of the training images, trains on all of them, and
      archives model, poison set and triggered test images in
      record/<dataset>/<attack>/pratio_<p>-target_<t>-archi_<model>/.

        fst attack badnet --dataset synthetic --width 16 --epochs 10
        fst attack blended --pratio 0.1 \\
          --yaml_path config/attack/prototype/cifar10.yaml
        mpirun -np 4 fst attack sig --dataset_path ./data --sync_bn

      A flag overrides --bd_yaml_path, which overrides --yaml_path, which
      overrides the defaults. Ctrl-C saves the run's state after the running
      step; the same command with --resume goes on from there.
      Runs alone or on many ranks.
      """)

  @Argument(
    help: ArgumentHelp("The attack, one that --list names.", valueName: "attack"),
    completion: .list(AttackName.allCases.map(\.rawValue)),
    transform: AttackName.named)
  var attack: AttackName?

  @Flag(help: "Name all attacks, a line each.")
  var list = false

  @Flag(name: .key("list_datasets"), help: "Name all datasets, a line each.")
  var listDatasets = false

  @Flag(name: .key("list_models"), help: "Name all networks, a line each.")
  var listModels = false

  @OptionGroup(title: "Configuration files") var yaml: YAMLOptions
  @OptionGroup var settings: SettingFlags<AttackFlags>
  @OptionGroup(title: "Records for other programs") var records: RecordOptions
  @OptionGroup(title: "Machine and output") var output: OutputOptions
  @OptionGroup(title: "Machine and output") var page: PageOptions

  func validate() throws {
    if attack == nil && !lists { throw ValidationError("Missing expected argument '<attack>'") }
  }

  func run() throws {
    guard let attack, !lists else { return printLists() }
    try Session.run(
      logFolder: { $0.folder },
      threads: \.threads,
      precision: \.precision,
      records: { (configuration: AttackConfiguration) -> RunRecords? in
        let names = ["attack \(configuration.attack.rawValue)", "clean model"]
        let own = configuration.poisonRatio == 0 ? names : [names[0]]
        return RunRecords(options: records, phases: Set(own))
      },
      configure: {
        var decoded = try ConfigDecoder.attack(
          attack, flags: settings.arguments, attackYAML: yaml.attack, prototypeYAML: yaml.prototype)
        decoded.configuration.arguments.append(.commandLine)
        return decoded
      },
      body: { configuration, session in
        let watch = try session.watchStalls(
          warning: configuration.stallWarning, exit: configuration.stallExit)
        defer { watch?.stop() }
        return try BackdoorAttack(
          configuration, communicator: session.communicator, observer: session.observer,
          interruption: session.interruption
        ).run()
      },
      report: { outcome in
        let path = outcome.stopped == nil ? page.write(in: outcome.folder) : nil
        return try Report.attack(outcome, page: path, json: output.json || records.takesOutput)
      })
  }
}

extension AttackCommand {
  private var lists: Bool { list || listDatasets || listModels }

  private func printLists() {
    if list { printLines(AttackName.allCases.map { ($0.rawValue, $0.summary) }) }
    if listDatasets { printLines(Datasets.all.map { ($0.name, $0.summary) }) }
    if listModels { printLines(Networks.all.map { ($0.name, $0.summary) }) }
  }
}

/// The flags of an attack run.
enum AttackFlags: FlagTable {
  static let sections = FlagSection.all(of: AttackConfiguration.flags)
}

extension ConfigArgument {
  /// The words of the command line, under the original tools' name for them.
  static var commandLine: ConfigArgument {
    ConfigArgument(key: "terminal_info", value: .list(CommandLine.arguments.map { .text($0) }))
  }
}
