import ArgumentParser
import Core

private let defaults = FeatureSheetConfiguration(archives: [])

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
      "attack_result.pt or defense_result.pt, one or several.",
      valueName: "archive"))
  var archives: [String]

  @Option(
    name: .key("out"),
    help: ArgumentHelp("The picture: a file that ends in .svg or .png.", valueName: "file"))
  var output: String

  @Option(
    name: .key("points_per_class"),
    help: ArgumentHelp(
      "Clean test images of each class (default: \(defaults.pointsPerClass)).",
      valueName: "images"))
  var pointsPerClass: Int?

  @Option(
    name: .key("triggered_points"),
    help: ArgumentHelp(
      "Triggered test images (default: \(defaults.triggeredPoints)).", valueName: "images"))
  var triggeredPoints: Int?

  @Option(
    name: [.customLong("random_seed"), .customLong("seed")],
    help: ArgumentHelp(
      "The seed of their choice (default: \(defaults.randomSeed)).", valueName: "n"))
  var randomSeed: Int?

  @OptionGroup(title: "t-SNE, as scikit-learn names it") var embedding: EmbeddingOptions

  @OptionGroup var evaluation: EvaluationOptions

  @OptionGroup(title: "Machine and output") var machine: MachineOptions

  func run() throws {
    let output = output
    try Session.run(
      logFolder: { _ in nil }, savesOnSignals: false,
      threads: \.evaluation.threads,
      configure: { try ConfigDecoder.featureSheet(archives: archives, flags: flags) },
      body: { configuration, session in
        try FeatureSheet(
          configuration, communicator: session.communicator, observer: session.observer
        ).run()
      },
      report: { try SheetReport.show($0, output: output, json: machine.json) })
  }

  private var flags: [ConfigArgument] {
    var flags = GivenFlags()
    flags.add("out", output)
    flags.add("points_per_class", pointsPerClass)
    flags.add("triggered_points", triggeredPoints)
    flags.add("random_seed", randomSeed)
    embedding.add(to: &flags)
    evaluation.add(to: &flags)
    machine.add(to: &flags)
    return flags.arguments
  }
}

/// What the embedding is given.
struct EmbeddingOptions: ParsableArguments {
  @Option(
    name: .key("perplexity"),
    help: ArgumentHelp(
      "The effective number of neighbours of a point (default: \(defaults.perplexity)).",
      valueName: "n"))
  var perplexity: Double?

  @Option(
    name: .key("iterations"),
    help: ArgumentHelp(
      "Steps at most, 250 of them with early exaggeration (default: \(defaults.iterations)).",
      valueName: "n"))
  var iterations: Int?

  @Option(
    name: .key("learning_rate"),
    help: ArgumentHelp(
      "(default: points / early exaggeration / 4, at least 50).", valueName: "rate"))
  var learningRate: Double?

  @Option(
    name: .key("early_exaggeration"),
    help: ArgumentHelp(
      "What attraction is multiplied with in the first 250 steps "
        + "(default: \(defaults.earlyExaggeration)).", valueName: "factor"))
  var earlyExaggeration: Double?

  func add(to flags: inout GivenFlags) {
    flags.add("perplexity", perplexity)
    flags.add("iterations", iterations)
    flags.add("learning_rate", learningRate)
    flags.add("early_exaggeration", earlyExaggeration)
  }
}
