import ArgumentParser
import Core

/// `fst evaluate`: clean accuracy, attack success rate and robust accuracy of an archive.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Report clean accuracy, attack success rate and robust accuracy of an archive.",
    discussion: """
      C-ACC is measured on the clean test images of --dataset_path; ASR and
      RA on the triggered ones in bd_test_dataset/ beside the archive, if they
      are those that it speaks of. Where they are not, or for another target,
      name the attack, and its trigger is applied anew.

        fst evaluate record/cifar10/badnet/<run>/attack_result.pt
        fst evaluate attack_result.pt --dataset_path ./data --attack badnet \\
          --attack_target 3 --json

      Runs alone or on many ranks.
      """)

  @Argument(
    help: ArgumentHelp(
      "An attack_result.pt, a defense_result.pt, the folder of either, or another program's "
        + "checkpoint.",
      valueName: "archive"), completion: .file())
  var archive: String

  @OptionGroup var settings: SettingFlags<EvaluateFlags>
  @OptionGroup(title: "Machine and output") var output: OutputOptions

  func run() throws {
    try Session.run(
      logFolder: { _ in nil }, savesOnSignals: false,
      threads: \.threads,
      precision: \.precision,
      configure: { try ConfigDecoder.evaluate(archive: archive, flags: settings.arguments) },
      body: { configuration, session in
        try Evaluation(
          configuration, communicator: session.communicator, observer: session.observer
        ).run()
      },
      report: { try Report.evaluation($0, json: output.json) })
  }
}

/// The flags of an evaluation.
enum EvaluateFlags: FlagTable {
  static let sections = FlagSection.all(of: EvaluateConfiguration.flags)
}
