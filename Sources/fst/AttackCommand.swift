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

  @Argument(help: ArgumentHelp("The attack.", valueName: "attack"))
  var attack: AttackName

  @OptionGroup(title: "Configuration files") var yaml: YAMLOptions
  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Poison, model and folder") var attackRun: RunOptions
  @OptionGroup(title: "Triggers") var training: TrainingTriggerOptions
  @OptionGroup(title: "Triggers") var trigger: TriggerOptions
  @OptionGroup(title: "trojannn") var trojan: TrojanOptions

  @OptionGroup(title: "Training") var optimization: OptimizationOptions

  @OptionGroup(title: "Result") var result: AttackResultOptions
  @OptionGroup(title: "Checkpoints") var checkpoints: CheckpointOptions
  @OptionGroup(title: "Watching") var watch: WatchOptions
  @OptionGroup(title: "Many ranks") var ranks: RankOptions
  @OptionGroup(title: "Machine and output") var machine: MachineOptions
  @OptionGroup(title: "Accepted from the original tools") var ignored: IgnoredOptions

  func run() throws {
    try Session.run(
      logFolder: { $0.folder },
      threads: \.threads,
      configure: {
        var decoded = try ConfigDecoder.attack(
          attack, flags: flags, attackYAML: yaml.attack, prototypeYAML: yaml.prototype)
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
      report: { try Report.attack($0, json: machine.json) })
  }

  private var flags: [ConfigArgument] {
    var flags = GivenFlags()
    data.add(to: &flags)
    attackRun.add(to: &flags)
    trigger.add(to: &flags)
    trojan.add(to: &flags)
    training.add(to: &flags)
    optimization.add(to: &flags)
    result.add(to: &flags)
    checkpoints.add(to: &flags)
    watch.add(to: &flags)
    ranks.add(to: &flags)
    machine.add(to: &flags)
    ignored.add(to: &flags)
    return flags.arguments
  }
}

/// Where an attack's result goes and in which form.
struct AttackResultOptions: ParsableArguments {
  @Option(
    name: .key("save_folder_name"),
    help: ArgumentHelp(
      "The run's folder below --record (default: made of dataset, attack, ratio and model).",
      valueName: "name"))
  var saveFolderName: String?

  @Option(
    name: .key("frequency_save"),
    help: ArgumentHelp(
      "Keep a copy of the model every so many epochs; 0 is never (default: 0).",
      valueName: "epochs"))
  var frequencySave: Int?

  @Option(
    name: .key("archive_arrays"),
    help: ArgumentHelp(
      """
      How attack_result.pt stores index arrays: numpy, as the original tools; lists, which \
      torch.load opens with its defaults (default: numpy).
      """, valueName: "form"))
  var archiveArrays: ArchiveArrays?

  @Option(
    name: .key("archive_paths"),
    help: ArgumentHelp(
      """
      How attack_result.pt names dataset and images: relative, from the working folder, data or \
      record on; absolute, as the original tools (default: relative).
      """, valueName: "form"))
  var archivePaths: ArchivePaths?

  func add(to flags: inout GivenFlags) {
    flags.add("save_folder_name", saveFolderName)
    flags.add("frequency_save", frequencySave)
    flags.add("archive_arrays", archiveArrays)
    flags.add("archive_paths", archivePaths)
  }
}

extension ConfigArgument {
  /// The words of the command line, under the original tools' name for them.
  static var commandLine: ConfigArgument {
    ConfigArgument(key: "terminal_info", value: .list(CommandLine.arguments.map { .text($0) }))
  }
}
