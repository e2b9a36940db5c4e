/// All that decides a sheet of features: the archives, their images, the points and the embedding.
public struct FeatureSheetConfiguration: Equatable, Sendable {
  /// The archives, one panel each: attack_result.pt or defense_result.pt.
  public var archives: [String]
  /// The picture's file, which ends in .svg or .png.
  public var output = ""
  /// How models and images are found; its `archive` has no meaning here.
  public var evaluation = EvaluateConfiguration(archive: "")
  /// Clean test images of each class on the sheet.
  public var pointsPerClass = 200
  /// Triggered test images on the sheet.
  public var triggeredPoints = 200
  /// The effective number of neighbours of a point.
  public var perplexity = 30.0
  /// The steps of gradient descent.
  public var iterations = 1000
  /// The length of its steps; nil is the number of points / `earlyExaggeration` / 4, at least 50.
  public var learningRate: Double?
  /// What affinities are multiplied with in the first 250 iterations.
  public var earlyExaggeration = 12.0
  /// The seed of the choice of points, and of whatever an embedding draws.
  public var randomSeed: UInt64 = 0

  /// A sheet of `archives` with all defaults but its file.
  public init(archives: [String]) { self.archives = archives }

  /// The evaluation of one of the archives.
  func evaluation(of archive: String) -> EvaluateConfiguration {
    var evaluation = evaluation
    evaluation.archive = archive
    return evaluation
  }

  /// The keys of a sheet: an evaluation's and its own.
  public static let fields: [ConfigField<Self>] =
    EvaluateConfiguration.fields.map { $0.within(\.evaluation) } + [
      .path("out", \.output, endingIn: [".svg", ".png"]).help(
        "The picture: a file that ends in .svg or .png; it must be given", "file", in: .sheet),
      .integer("points_per_class", \.pointsPerClass, 1...pointLimit).help(
        "Clean test images of each class", "images", in: .sheet),
      .integer("triggered_points", \.triggeredPoints, 0...pointLimit).help(
        "Triggered test images", "images", in: .sheet),
      .number("perplexity", \.perplexity, .atLeastOne).help(
        "The effective number of neighbours of a point", "n", in: .embedding),
      .integer("iterations", \.iterations, 250...countLimit).help(
        "Steps at most, 250 of them with early exaggeration", "n", in: .embedding),
      .number("learning_rate", \.learningRate, .positive).help(
        "The length of a step (default: points / early exaggeration / 4, at least 50)", "rate",
        in: .embedding),
      .number("early_exaggeration", \.earlyExaggeration, .atLeastOne).help(
        "What attraction is multiplied with in the first 250 steps", "factor", in: .embedding),
      .seed("random_seed", \.randomSeed).named("seed").help(
        "The seed of their choice", "n", in: .sheet),
    ]

  /// More points of a kind than a picture can show.
  private static let pointLimit = 100_000
}

extension FeatureSheetConfiguration {
  /// The command, the archives and all settings that ranks must share.
  package var sharedSettings: [(key: String, value: String)] {
    ConfigField.shared(Self.fields, of: self, command: "tsne")
      + archives.map { ("archive", "'\($0)'") }
  }
}
