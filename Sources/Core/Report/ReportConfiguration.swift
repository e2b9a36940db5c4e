/// All that decides a report: the folders, the page's place, and how models are asked.
public struct ReportConfiguration: Equatable, Sendable {
  /// Folders of runs, of their defences and of sweeps.
  public var runs: [String]
  /// The page's file; nil is report.html in the one folder that is given, else in this one.
  public var output: String?
  /// Whether models are asked for confusion matrices and features.
  public var asksModels = true
  /// Clean test images, and triggered ones, that a model is asked about; nil are as many as take a
  /// moment.
  public var testImages: Int?
  /// Tunings and defences of a run whose models are asked; nil are those that take a moment.
  public var models: Int?
  /// The seed of the choice of images, and of the embedding.
  public var randomSeed: UInt64 = 0
  /// How models and images are found; its `archive` has no meaning here.
  public var evaluation = EvaluateConfiguration(archive: "")

  /// A report of `runs` with all defaults.
  public init(runs: [String]) { self.runs = runs }

  /// The keys of an evaluation that a report has too.
  private static let sharedKeys: Set = [
    "mean", "std", "dataset", "dataset_path", "img_size", "stem_pool", "batch_size", "threads",
    "convolution", "precision",
  ]

  /// The keys of a report.
  public static let fields: [ConfigField<Self>] =
    [
      .path("out", \.output, endingIn: [".html", ".htm"]).role(.output).help(
        "The page, a file that ends in .html (default: report.html in the folder, or here of several)",
        "file",
        in: .sheet),
      .boolean("features", \.asksModels).help(
        "Ask the models: confusion matrices, features and their t-SNE (default: true)", in: .sheet
      ).opposite("no_features", "The files alone, no model is asked."),
      .integer("test_images", \.testImages, 10...100_000).help(
        "Clean test images, and triggered ones, that a model is asked about (default: as many as take "
          + "a moment, 80 to 500)", "images", in: .sheet),
      .integer("models", \.models, 0...1000).help(
        "Tunings and defences of a run whose models are asked, least ASR first (default: one to "
          + "three, as many as take a moment)", "n", in: .sheet),
      .seed("random_seed", \.randomSeed).named("seed").help(
        "The seed of the choice of images and of the embedding", "n", in: .sheet),
    ]
    + EvaluateConfiguration.fields.filter { sharedKeys.contains($0.key) }
    .map { $0.within(\.evaluation) }
}

extension ReportConfiguration {
  /// The command, the folders and all settings that ranks must share.
  package var sharedSettings: [(key: String, value: String)] {
    ConfigField.shared(Self.fields, of: self, command: "report") + runs.map { ("run", "'\($0)'") }
  }
}
