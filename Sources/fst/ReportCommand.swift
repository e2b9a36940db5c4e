import ArgumentParser
import Core
import Foundation

/// `fst report`: one page of a run, of several, or of a sweep.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write a page about a run, several runs or a sweep: one HTML file by itself.",
    discussion: """
      The page needs no network and no script. Of a run it has the command,
      C-ACC, ASR and RA over the epochs, pictures of the trigger, confusion
      matrices, features by t-SNE, and all its tunings and defences; of a
      sweep a table of attacks, rates and defences, and what clean accuracy
      each defence costs. A run leaves such a page in its folder by itself,
      but for what the models have to be asked for.

        fst report record/cifar10/badnet/<run> --dataset_path ./data
        fst report record/cifar10/*/* --no_features --out all.html
        fst report record/sweep/<plan>

      Models are asked about --test_images of the test set. Data and
      triggered images are found as by `fst evaluate`; where they are not, the
      page says so. Runs alone or on many ranks.
      """)

  @Argument(
    help: ArgumentHelp(
      "The folder of a run, of one of its defences, or of a sweep; one or several.",
      valueName: "run"))
  var runs: [String]

  @OptionGroup var settings: SettingFlags<ReportFlags>
  @OptionGroup(title: "Machine and output") var output: OutputOptions

  func run() throws {
    try Session.run(
      logFolder: { _ in nil }, savesOnSignals: false,
      threads: \.evaluation.threads, precision: \.evaluation.precision,
      configure: { try ConfigDecoder.report(runs: runs, flags: settings.arguments) },
      body: { configuration, session in
        try RunReport(
          configuration, communicator: session.communicator, observer: session.observer
        ).run()
      },
      report: { outcome in
        if output.json {
          try Report.printJSON(PageReport(out: outcome.path, bytes: outcome.bytes))
        } else {
          print("page    \(outcome.path)")
        }
        return 0
      })
  }
}

/// The flags of a report.
enum ReportFlags: FlagTable {
  static let sections = FlagSection.all(of: ReportConfiguration.flags)
}

/// Where a page is.
private struct PageReport: Encodable {
  let out: String
  let bytes: Int
}

/// Whether a run writes a page about itself.
struct PageOptions: ParsableArguments {
  @Flag(name: .key("no_report"), help: "Write no report.html into the folder at the end.")
  var noReport = false

  /// Writes the page of the run in `folder`; a failure is a warning, and spoils nothing.
  ///
  /// Its path, if it was written.
  func write(in folder: String?) -> String? {
    guard !noReport, let folder else { return nil }
    do { return try AutomaticReport.write(in: folder) } catch {
      StandardError.line("warning: no report.html: \(error)")
      return nil
    }
  }
}
