/// All that decides an evaluation: the archive, the clean images and how triggered ones are found.
public struct EvaluateConfiguration: Equatable, Sendable {
  /// The archive: an `attack_result.pt` or a `defense_result.pt` below an attack's folder.
  public var archive: String
  /// The dataset; nil is the one that the archive names.
  public var dataset: String?
  /// The folder that holds the dataset; nil is the one that the archive names.
  public var datasetPath: String?
  /// The rows and columns that images are resized to; nil are the archive's, else the dataset's.
  public var imageSide: Int?
  /// The attack whose trigger is applied anew, with its settings.
  package var settings = AttackSettings()
  /// The class that triggered images are to be taken for; nil is the one that the archive names.
  public var attackTarget: Int?
  /// How the attack changed labels; nil is what the archive says.
  public var labelTransform: LabelTransformName?
  /// How pixels are scaled, where not as the dataset's usually are.
  public var pixelStatistics = PixelStatistics()
  /// Whether a max-pool follows the stem for small images, where tensors leave that open.
  public var poolsStem: Bool?
  /// The images of one step on all ranks together.
  public var batchSize = 128
  /// The threads of each rank; nil is this rank's share of the cores.
  public var threads: Int?
  /// The kernels of convolutions.
  public var convolution = ConvolutionChoice.automatic
  /// In what numbers convolutions multiply.
  public var precision = PrecisionChoice.float32

  /// The evaluation of `archive` with all defaults.
  public init(archive: String) { self.archive = archive }

  /// That attack's name; nil takes the images beside the archive.
  public var attack: AttackName? {
    get { settings.name }
    set { settings.name = newValue }
  }
}

extension EvaluateConfiguration {
  /// The keys of an evaluation; what an attack has too is described there, unless here.
  public static let fields: [ConfigField<Self>] =
    (PixelStatistics.fields.map { $0.within(\.pixelStatistics) } + [
      .text("dataset", \.dataset, "the name of a dataset").help(
        "The dataset (default: what the archive names)", "name", in: .data),
      .text("dataset_path", \.datasetPath, "a folder").role(.place).help(
        "The folder with its files (default: what the archive names)", "folder", in: .data),
      .integer("img_size", \.imageSide, LabeledImages.sides).help(
        "Resize all images to so many rows and columns (default: what the archive names, else the "
          + "dataset's)", "side", in: .data),
      .choice("attack", \.attack).help(
        "Apply this attack's trigger anew, whatever images are beside the archive", "name",
        in: .reapplied),
      .integer("attack_target", \.attackTarget, 0...countLimit).help(
        "Its target class (default: what the archive names, else 0)", "class", in: .reapplied),
      .choice("attack_label_trans", \.labelTransform).help(
        "How it changed labels (default: what the archive says, else all2one)", "change",
        in: .reapplied),
      .boolean("stem_pool", \.poolsStem).help(
        "A max-pool follows the 3x3 stem of the archive's network, which tensors do not show",
        in: .data),
      .integer("batch_size", \.batchSize, 1...countLimit).help(
        "Images of one step on all ranks together", "images", in: .machine),
      .integer("threads", \.threads, 1...1024).role(.machine),
      .choice("convolution", \.convolution).role(.arithmetic),
      .choice("precision", \.precision).role(.arithmetic),
    ] + AttackSettings.triggerFields.map { $0.within(\.settings) }).map {
      $0.described(as: AttackConfiguration.fields)
    }
}

extension EvaluateConfiguration {
  /// The command, the archive and all settings that ranks must share.
  package var sharedSettings: [(key: String, value: String)] {
    ConfigField.shared(Self.fields, of: self, command: "evaluate") + [("archive", "'\(archive)'")]
  }
}
