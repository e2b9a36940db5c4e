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
  /// The attack whose trigger is applied anew; nil takes the images beside the archive.
  public var attack: AttackName?
  /// The class that triggered images are to be taken for; nil is the one that the archive names.
  public var attackTarget: Int?
  /// How the attack changed labels; nil is what the archive says.
  public var labelTransform: LabelTransformName?
  /// An image whose non-zero pixels are badnet's patch; nil is the white 3x3 square.
  public var patchMaskPath: String?
  /// The image that blended mixes in, nil is a generated pattern; trojannn's trigger, nil is the one
  /// beside the archive.
  public var triggerImagePath: String?
  /// The trigger image's weight in triggered test images, 0…1.
  public var testBlendedAlpha = 0.2
  /// The amplitude of sig's sinusoid, in grey levels.
  public var sigDelta = 40.0
  /// The periods of sig's sinusoid across an image's width.
  public var sigFrequency = 6.0
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
}
