/// All that decides an evaluation: the archive, the clean images and how triggered ones are found.
public struct EvaluateConfiguration: Equatable, Sendable {
  /// The archive: an `attack_result.pt` or a `defense_result.pt` below an attack's folder.
  public var archive: String
  /// The dataset; nil is the one that the archive names.
  public var dataset: String?
  /// The folder that holds the dataset; nil is the one that the archive names.
  public var datasetPath: String?
  /// The attack whose trigger is applied anew, with its settings.
  public var settings = AttackSettings()
  /// The class that triggered images are to be taken for; nil is the one that the archive names.
  public var attackTarget: Int?
  /// How the attack changed labels; nil is what the archive says.
  public var labelTransform: LabelTransformName?
  /// How pixels are scaled, where not as the dataset's usually are.
  public var pixelStatistics = PixelStatistics()
  /// The images of one step on all ranks together.
  public var batchSize = 128
  /// The threads of each rank; nil is this rank's share of the cores.
  public var threads: Int?
  /// The kernels of convolutions.
  public var convolution = ConvolutionChoice.automatic

  /// The evaluation of `archive` with all defaults.
  public init(archive: String) { self.archive = archive }

  /// That attack's name; nil takes the images beside the archive.
  public var attack: AttackName? {
    get { settings.name }
    set { settings.name = newValue }
  }
}
