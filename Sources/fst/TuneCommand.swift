import ArgumentParser
import Core

/// `fst tune`: purifies an attack's model on clean images.
struct TuneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tune",
    abstract: "Tune a backdoored model on clean images and report what remains of the backdoor.",
    discussion: """
      Reads the attack_result.pt of the attack run with the same --record,
      --dataset, --attack, --pratio, --attack_target and --model, or the one
      that --result names, which then says all that is not given of these.

        fst tune --attack blended --split_ratio 0.02 --pratio 0.1 \\
          --device cuda:0 --lr 0.01 --attack_target 0 --model resnet18 \\
          --dataset cifar10 --epochs 10 --initlr 0.1 --ft_mode fst --alpha 0.1

      Modes:
        ft         trains everything
        lp         trains the head alone
        ft-init    trains everything, from a new head
        fe-tuning  trains everything but the head, which is new
        fst        as ft-init, and pushes the new head away from the old one

      The published code tunes on random images, which the attack was trained
      on too: --tuning_split random. The paper's own first code left them out
      of the attack's training: for that, give --tuning_split held_out and the
      same --split_ratio to attack and to tune.

      ASR and RA are of the images in bd_test_dataset/ beside the archive. A
      bare state_dict has none: name its --attack, and the trigger is applied
      anew, with the settings given below Triggers.

      Runs alone or on many ranks.
      """)

  @OptionGroup(title: "Tuning") var tuning: TuningOptions
  @OptionGroup(title: "Configuration files") var yaml: YAMLOptions
  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "The attack's settings") var attackRun: RunOptions
  @OptionGroup(title: "Triggers, applied anew where given") var trigger: TriggerOptions
  @OptionGroup(title: "Training") var optimization: OptimizationOptions
  @OptionGroup(title: "Checkpoints, with --save") var checkpoints: CheckpointOptions
  @OptionGroup(title: "Watching") var watch: WatchOptions
  @OptionGroup(title: "Many ranks") var ranks: RankOptions
  @OptionGroup(title: "Machine and output") var machine: MachineOptions
  @OptionGroup(title: "Accepted from the original tools") var ignored: IgnoredOptions

  func run() throws {
    try Session.run(
      logFolder: { $0.defenseFolder },
      threads: \.threads,
      configure: {
        var decoded = try ConfigDecoder.tune(
          flags: flags, attackYAML: yaml.attack, prototypeYAML: yaml.prototype)
        decoded.configuration.arguments.append(.commandLine)
        return decoded
      },
      body: { configuration, session in
        let watch = try session.watchStalls(
          warning: configuration.stallWarning, exit: configuration.stallExit)
        defer { watch?.stop() }
        return try FineTuning(
          configuration, communicator: session.communicator, observer: session.observer,
          interruption: session.interruption
        ).run()
      },
      report: { try Report.tune($0, json: machine.json) })
  }

  private var flags: [ConfigArgument] {
    var flags = GivenFlags()
    tuning.add(to: &flags)
    data.add(to: &flags)
    attackRun.add(to: &flags)
    trigger.add(to: &flags)
    optimization.add(to: &flags)
    checkpoints.add(to: &flags)
    watch.add(to: &flags)
    ranks.add(to: &flags)
    machine.add(to: &flags)
    ignored.add(to: &flags)
    return flags.arguments
  }
}

/// What is tuned, how, and whether the result is written.
struct TuningOptions: ParsableArguments {
  @Option(
    name: .key("attack"),
    help: ArgumentHelp(
      "The attack whose result is tuned (default: what the run of --result names).",
      valueName: "name"))
  var attack: AttackName?

  @Option(
    name: .key("result"),
    help: ArgumentHelp(
      "The attack's folder or an archive (default: the folder that the attack's settings name).",
      valueName: "path"))
  var result: String?

  @Option(
    name: .key("ft_mode"),
    help: ArgumentHelp("The way of tuning (default: fst).", valueName: "mode"))
  var mode: FineTuningMode?

  @Option(
    name: .key("alpha"), parsing: .unconditional,
    help: ArgumentHelp(
      "fst: the weight of the feature-shift penalty; the paper's command says 0.1 (default: 0.2).",
      valueName: "weight"))
  var alpha: Double?

  @Option(
    name: .key("ratio"),
    help: ArgumentHelp("BackdoorBench's name of --split_ratio.", valueName: "share"))
  var ratio: Double?

  @Option(
    name: .key("initlr"),
    help: ArgumentHelp(
      "Accepted; like in the published script, no computation reads it.", valueName: "rate"))
  var initialLearningRate: Double?

  @Option(
    name: .key("linear_name"),
    help: ArgumentHelp(
      "The head layer's name in the archive, of which it must be one (default: linear).",
      valueName: "name"))
  var linearName: String?

  @Flag(
    name: .key("stem_pool"),
    help: "A max-pool follows the 3x3 stem of the archive's network, which tensors do not show.")
  var poolsStem = false

  @Flag(name: .key("save"), help: "Write defense/<mode>/defense_result.pt in the attack's folder.")
  var save = false

  @Option(
    name: .key("defense_form"),
    help: ArgumentHelp(
      """
      bare, the state_dict itself, as the FST scripts; dict, with model_name, num_classes and model, \
      as BackdoorBench (default: bare).
      """, valueName: "form"))
  var defenseForm: DefenseForm?

  @Option(
    name: .key("evaluate_every"),
    help: ArgumentHelp(
      "Evaluate after every so many epochs, for their lines and ft_df.csv; 0 is at the end only "
        + "(default: 0).", valueName: "epochs"))
  var evaluateEvery: Int?

  func add(to flags: inout GivenFlags) {
    flags.add("attack", attack)
    flags.add("result", result)
    flags.add("ft_mode", mode)
    flags.add("alpha", alpha)
    flags.add("ratio", ratio)
    flags.add("initlr", initialLearningRate)
    flags.add("linear_name", linearName)
    flags.add("stem_pool", flag: poolsStem)
    flags.add("save", flag: save)
    flags.add("defense_form", defenseForm)
    flags.add("evaluate_every", evaluateEvery)
  }
}
