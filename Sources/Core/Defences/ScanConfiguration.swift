import Distributed

/// All that decides a scan: the archive, clean images and how triggers are reversed.
public struct ScanConfiguration: Equatable, Sendable {
  /// Where model and images are, and the machine; nothing of its attack counts here.
  public var evaluation: EvaluateConfiguration
  /// The share of the training images that triggers are reversed from.
  public var ratio = 0.05
  /// How triggers are reversed.
  package var reversal = ReversalSettings()
  /// Whether images are cropped and flipped, as in training.
  public var augment = true
  /// The seed of the choice of images, their order and augmentation.
  public var randomSeed: UInt64 = 0
  /// The picture of the reversed triggers; nil is none.
  public var output: String?

  /// A scan of `archive` with all defaults.
  public init(archive: String) {
    evaluation = EvaluateConfiguration(archive: archive)
    evaluation.batchSize = 256
  }

  /// The keys of an evaluation that a scan has too.
  private static let sharedKeys: Set = [
    "mean", "std", "dataset", "dataset_path", "img_size", "stem_pool", "batch_size", "threads",
    "convolution", "precision",
  ]

  /// The keys of a scan.
  public static let fields: [ConfigField<Self>] =
    EvaluateConfiguration.fields.filter { sharedKeys.contains($0.key) }
    .map { $0.within(\.evaluation) } + [
      .number("ratio", \.ratio, .positiveShare).help(
        "The share of the training images that triggers are reversed from", "share", in: .data),
      .boolean("augment", \.augment).help(
        "Crop and flip them at random, as in training (default: true)", in: .data),
      .seed("random_seed", \.randomSeed).named("seed").help(
        "The seed of every random draw", "n", in: .data),
      .path("out", \.output, endingIn: [".png"]).role(.output).help(
        "A picture of the reversed triggers, a file that ends in .png (default: none)", "file",
        in: .sheet),
    ] + ReversalSettings.fields.map { $0.within(\.reversal) }
}

extension ScanConfiguration {
  /// The command, the archive and all settings that ranks must share.
  package var sharedSettings: [(key: String, value: String)] {
    ConfigField.shared(Self.fields, of: self, command: "scan")
      + [("archive", "'\(evaluation.archive)'")]
  }
}
