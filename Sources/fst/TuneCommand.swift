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
      anew, with the settings given below its name.

      Runs alone or on many ranks.
      """)

  @OptionGroup(title: "Configuration files") var yaml: YAMLOptions
  @OptionGroup var settings: SettingFlags<TuneFlags>
  @OptionGroup(title: "Records for other programs") var records: RecordOptions
  @OptionGroup(title: "Machine and output") var output: OutputOptions
  @OptionGroup(title: "Machine and output") var page: PageOptions

  func run() throws {
    try Session.run(
      logFolder: { $0.defenseFolder },
      threads: \.threads,
      precision: \.precision,
      records: { (configuration: TuneConfiguration) -> RunRecords? in
        RunRecords(options: records, phases: ["tune \(configuration.mode.rawValue)"])
      },
      configure: {
        var decoded = try ConfigDecoder.tune(
          flags: settings.arguments, attackYAML: yaml.attack, prototypeYAML: yaml.prototype)
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
      report: { outcome in
        let path = outcome.stopped == nil ? page.write(in: outcome.folder) : nil
        return try Report.tune(outcome, page: path, json: output.json || records.takesOutput)
      })
  }
}

/// The flags of a tuning run.
enum TuneFlags: FlagTable {
  static let sections = FlagSection.all(of: TuneConfiguration.flags)
}
