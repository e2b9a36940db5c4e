import ArgumentParser
import Core

/// `fst defend`: purifies an attack's model by one of the field's defences.
struct DefendCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "defend",
    abstract: "Purify a backdoored model by one of the field's defences.",
    discussion: """
      Reads what --result names, or the attack_result.pt of the attack run with
      the same --record, --dataset, --attack, --pratio and --model, and writes
      defense/<name>/ in its folder where --save is given. `fst defend --list`
      names all defences; ft, lp, ft-init, fe-tuning and fst are `fst tune`'s.

        fst defend clp --result record/cifar10/badnet/… --save
        fst defend --list

      A defence that chooses among results does so by clean images that it
      holds out: --selection held_out. The originals look at the test set:
      --selection benchmark, to compare with published numbers.

      Runs alone or on many ranks.
      """)

  @Argument(
    help: ArgumentHelp("The defence, one that --list names.", valueName: "defence"),
    completion: .list(
      FineTuningMode.allCases.map(\.rawValue) + DefenceName.allCases.map(\.rawValue)))
  var defence: String?

  @Flag(help: "Name all defences, a line each.")
  var list = false

  @Option(
    name: .customLong("yaml_path"),
    help: ArgumentHelp("Settings of the defence; flags override it.", valueName: "file"))
  var yaml: String?

  @OptionGroup var settings: SettingFlags<DefendFlags>
  @OptionGroup(title: "Records for other programs") var records: RecordOptions
  @OptionGroup(title: "Machine and output") var output: OutputOptions
  @OptionGroup(title: "Machine and output") var page: PageOptions

  func run() throws {
    if list { return Self.printList() }
    let name = defence ?? ""
    if let mode = FineTuningMode(rawValue: name) { return try tune(mode) }
    guard let defence = DefenceName(rawValue: name) else {
      let known = DefenceName.allCases.map(\.rawValue) + FineTuningMode.allCases.map(\.rawValue)
      throw ConfigError.invalidValue(
        key: "defence", origin: .flag, expected: "one of \(known.joined(separator: ", "))",
        found: defence.map { "'\($0)'" } ?? "none")
    }
    try Session.run(
      logFolder: { $0.shared.defenseFolder },
      threads: \.shared.threads,
      precision: \.shared.precision,
      records: { (configuration: DefendConfiguration) -> RunRecords? in
        RunRecords(options: records, phases: ["defend \(configuration.name)"])
      },
      configure: {
        var decoded = try ConfigDecoder.defend(
          defence, flags: settings.arguments, defenceYAML: yaml)
        decoded.configuration.shared.arguments.append(.commandLine)
        return decoded
      },
      body: { configuration, session in
        let watch = try session.watchStalls(
          warning: configuration.shared.stallWarning, exit: configuration.shared.stallExit)
        defer { watch?.stop() }
        return try Defending(
          configuration, communicator: session.communicator, observer: session.observer,
          interruption: session.interruption
        ).run()
      },
      report: { outcome in
        let path = outcome.stopped == nil ? page.write(in: outcome.folder) : nil
        return try Report.tune(outcome, page: path, json: output.json || records.takesOutput)
      })
  }

  /// A way of fine-tuning, with the settings of `fst tune`.
  private func tune(_ mode: FineTuningMode) throws {
    var command = try TuneCommand.parse([])
    command.settings.add(ConfigArgument(key: "ft_mode", value: .text(mode.rawValue)))
    settings.arguments.forEach { command.settings.add($0) }
    (command.output, command.page, command.records) = (output, page, records)
    command.yaml.attack = yaml
    try command.run()
  }

  private static func printList() {
    printLines(
      FineTuningMode.allCases.map { ($0.rawValue, $0.summary) }
        + DefenceName.allCases.map { ($0.rawValue, $0.summary) })
  }
}

/// The flags of a defence.
enum DefendFlags: FlagTable {
  static let sections = FlagSection.all(of: DefendConfiguration.flags)
}
