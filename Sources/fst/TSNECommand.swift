import ArgumentParser
import Core

/// `fst tsne`: features before the head as a picture, with figures.
struct TSNECommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tsne",
    abstract: "Draw the features of archives by t-SNE, and measure how triggered ones lie.",
    discussion: """
      Shows what the last layer is given, for clean test images of every
      class and for triggered ones, of one archive or of several beside each
      other, the same images of each. Data and triggered images are found as
      by `fst evaluate`; without triggered images the sheet has clean ones.

        fst tsne record/cifar10/blended/<run>/attack_result.pt --out sheet.svg
        fst tsne <run>/attack_result.pt <run>/defense/*/defense_result.pt --out sheet.png

      Beside C-ACC and ASR of the whole test set it gives four figures of
      triggered points against clean ones of the target class, measured on the
      features: silhouette (1 far apart, 0 mixed), the balanced accuracy of a
      linear probe (0.5 if it cannot tell), centroids' distance over spread,
      and the cosine of the ways to both from the middle of all clean points.
      Runs alone or on many ranks, which share the images; rank 0 embeds.
      """)

  @Argument(
    help: ArgumentHelp(
      "attack_result.pt or defense_result.pt, or the folder of either; one or several.",
      valueName: "archive"), completion: .file())
  var archives: [String]

  @OptionGroup var settings: SettingFlags<FeatureSheetFlags>
  @OptionGroup(title: "Machine and output") var output: OutputOptions

  func run() throws {
    try Session.run(
      logFolder: { _ in nil }, savesOnSignals: false,
      threads: \.evaluation.threads, precision: \.evaluation.precision,
      configure: {
        try ConfigDecoder.featureSheet(archives: archives, flags: settings.arguments)
      },
      body: { configuration, session in
        let panels = try FeatureSheet(
          configuration, communicator: session.communicator, observer: session.observer
        ).run()
        return (panels, configuration.output)
      },
      report: { try SheetReport.show($0.0, output: $0.1, json: output.json) })
  }
}

/// The flags of a sheet of features.
enum FeatureSheetFlags: FlagTable {
  static let sections = FlagSection.all(of: FeatureSheetConfiguration.flags)
}
