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
    transform: AttackName.named)
  var attack: AttackName?

  @Flag(help: "Name all attacks, a line each.")
  var list = false

  @OptionGroup(title: "Configuration files") var yaml: YAMLOptions
  @OptionGroup var settings: SettingFlags<AttackFlags>
  @OptionGroup(title: "Machine and output") var output: OutputOptions
  @OptionGroup(title: "Machine and output") var page: PageOptions

  func validate() throws {
    if attack == nil && !list { throw ValidationError("Missing expected argument '<attack>'") }
  }

  func run() throws {
    guard let attack, !list else { return Self.printList() }
    try Session.run(
      logFolder: { $0.folder },
      threads: \.threads,
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
        return try Report.attack(outcome, page: path, json: output.json)
      })
  }
}

extension AttackCommand {
  fileprivate static func printList() {
    for name in AttackName.allCases {
      print(name.rawValue.padding(toLength: 14, withPad: " ", startingAt: 0) + name.summary)
    }
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
