import ArgumentParser
import Core

/// `fst evaluate`: clean accuracy, attack success rate and robust accuracy of an archive.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Report clean accuracy, attack success rate and robust accuracy of an archive.",
    discussion: """
      C-ACC is measured on the clean test images of --dataset_path; ASR and
      RA on the triggered ones in bd_test_dataset/ beside the archive. Where
      that folder is absent, name the attack, and its trigger is applied anew.

        fst evaluate record/cifar10/badnet/<run>/attack_result.pt
        fst evaluate attack_result.pt --dataset_path ./data --attack badnet --json
      """)

  @Argument(help: ArgumentHelp("An attack_result.pt or defense_result.pt.", valueName: "archive"))
  var archive: String

  @Option(
    name: .key("dataset"),
    help: ArgumentHelp("The dataset (default: what the archive names).", valueName: "name"))
  var dataset: String?

  @Option(
    name: .key("dataset_path"),
    help: ArgumentHelp(
      "The folder with its files (default: what the archive names).", valueName: "folder"))
  var datasetPath: String?

  @Option(
    name: .key("attack"),
    help: ArgumentHelp("Apply this attack's trigger anew.", valueName: "name"))
  var attack: AttackName?

  @Option(
    name: .key("attack_target"), parsing: .unconditional,
    help: ArgumentHelp("Its target class (default: 0).", valueName: "class"))
  var attackTarget: Int?

  @Option(
    name: .key("attack_label_trans"),
    help: ArgumentHelp("How it changed labels (default: all2one).", valueName: "change"))
  var labelTransform: LabelTransformName?

  @OptionGroup(title: "Triggers") var trigger: TriggerOptions

  @Option(
    name: .key("batch_size"),
    help: ArgumentHelp(
      "Images of one step on all ranks together (default: 128).", valueName: "images")
  )
  var batchSize: Int?

  @OptionGroup(title: "Machine and output") var machine: MachineOptions

  func run() throws {
    try Session.run(
      logFolder: { _ in nil }, savesOnSignals: false,
      configure: { try ConfigDecoder.evaluate(archive: archive, flags: flags) },
      body: { configuration, session in
        try Evaluation(
          configuration, communicator: session.communicator, observer: session.observer
        ).run()
      },
      report: { try Report.evaluation($0, json: machine.json) })
  }

  private var flags: [ConfigArgument] {
    var flags = GivenFlags()
    flags.add("dataset", dataset)
    flags.add("dataset_path", datasetPath)
    flags.add("attack", attack)
    flags.add("attack_target", attackTarget)
    flags.add("attack_label_trans", labelTransform)
    trigger.add(to: &flags)
    flags.add("batch_size", batchSize)
    machine.add(to: &flags)
    return flags.arguments
  }
}
