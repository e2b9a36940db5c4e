import Distributed

/// All that decides a tuning run: which attack's result, on which clean images, and how.
///
/// Properties carry the names of the field; their YAML keys and flags are those of the FST scripts
/// and stand in `TuneConfiguration.fields`.
public struct TuneConfiguration: Equatable, Sendable {
  /// The attack whose result is tuned, with its trigger's settings, where it is applied anew.
  package var settings = AttackSettings()

  // MARK: The attack's result

  /// The root of all runs' folders.
  public var record = "record"
  /// The attack's folder or its `attack_result.pt`; nil is the folder that an attack run names.
  public var resultPath: String?
  /// The attack's poison ratio, which is part of its folder's name.
  public var poisonRatio = 0.1
  /// The attack's target class, which is part of its folder's name.
  public var attackTarget = 0
  /// How the attack changed labels.
  public var labelTransform = LabelTransformName.all2one
  /// The model's architecture.
  public var model = NetworkKind.resnet18
  /// The planes of the first stage; nil is what the archive holds, anything else must equal it.
  public var width: Int?
  /// The name of the head layer in the archive.
  public var linearName = "linear"
  /// Whether a max-pool follows the stem for small images, where tensors leave that open.
  public var poolsStem: Bool?

  // MARK: Data

  /// The dataset, by its name in `Datasets`.
  public var dataset = Datasets.usual.name
  /// The folder that holds the dataset, or holds `cifar10/` and its like.
  public var datasetPath = "./data"
  /// The rows and columns that images are resized to; nil are the archive's, else the dataset's.
  public var imageSide: Int?
  /// How pixels are scaled, where not as the dataset's usually are.
  public var pixelStatistics = PixelStatistics()
  /// The share of the training images to tune on, above 0 and at most 1.
  public var splitRatio = 0.02
  /// Where those images come from; `held_out` needs an attack that left them out.
  public var tuningSplit = TuningSplit.random
  /// Whether tuning images are cropped (padding 4) and flipped.
  public var augment = true

  // MARK: Optimisation

  /// The way of tuning.
  public var mode = FineTuningMode.fst
  /// The weight of the feature-shift penalty.
  public var alpha = 0.2
  /// Whether the run chooses it itself, by clean images.
  public var choosesAlpha = false
  /// The share of held-out images by which its choice may be worse than the best of what it tries.
  public var largestAlphaLoss = 0.02
  /// The file of the tuning images' indices; nil draws them.
  public var indexPath: String?
  /// The number of passes over the tuning images.
  public var epochs = 10
  /// The images of one step on all ranks together, unless `batchSizePerRank` is given.
  public var batchSize = 128
  /// The images of one step on each rank.
  public var batchSizePerRank: Int?
  /// The learning rate at the start.
  public var learningRate = 0.01
  /// `--initlr` of the FST scripts, which no computation there reads; nil where it is not given.
  public var initialLearningRate: Double?
  /// How the learning rate falls.
  public var schedule = ScheduleName.cosine
  /// The epochs after which a cosine reaches zero; nil is all of `epochs`.
  public var cosineEpochs: Int?
  /// The epochs after which `MultiStepLR` multiplies the learning rate by `gamma`.
  public var milestones: [Int] = []
  /// The factor of `MultiStepLR`.
  public var gamma = 0.1
  /// The factor of `ReduceLROnPlateau`.
  public var plateauFactor = 0.1
  /// SGD's momentum, 0..<1.
  public var momentum = 0.9
  /// SGD's weight decay, on all trained parameters.
  public var weightDecay = 0.0
  /// The label smoothing of the cross-entropy, 0..<1; nil is none.
  ///
  /// The FST scripts drop the feature-shift penalty where this is given.
  public var labelSmoothing: Double?
  /// The seed of every random draw; at most 2^32 - 1, as NumPy's.
  public var randomSeed: UInt64 = 0
  /// Stops after this many steps in all; nil is no limit.
  public var maxSteps: Int?
  /// Epochs from one evaluation of the model to the next; 0 is none before the end.
  public var evaluateEvery = 0

  // MARK: Machine

  /// The threads of each rank; nil is this rank's share of the cores.
  public var threads: Int?
  /// The kernels of convolutions.
  public var convolution = ConvolutionChoice.automatic
  /// In what numbers convolutions multiply.
  public var precision = PrecisionChoice.float32
  /// Whether batch normalisation takes its statistics over all ranks.
  public var syncBatchNorm = false
  /// The parts in which each rank computes its share of a step, one after the other.
  public var accumulationSteps = 1
  /// How gradients travel between the ranks.
  public var compression = GradientCompression.none
  /// What `powersgd` compresses to, and when it begins.
  public var powerSGD = PowerSGDSettings()
  /// Seconds that ranks wait for one another before the late ones are named; 0 is for ever.
  public var stallWarning = 30.0
  /// Seconds that ranks wait for one another before the run is ended; 0 is for ever.
  public var stallExit = 300.0
  /// Steps from one comparison of all ranks' parameters to the next; 0 is none within an epoch.
  public var checkReplicas = 0
  /// The file that gets a Chrome trace of all ranks; nil is none.
  public var timelinePath: String?

  // MARK: Result

  /// Whether `defense/<mode>/defense_result.pt` is written.
  public var save = false
  /// The name of the result's folder below `defense`, which no key gives; nil is the mode's.
  public var defenseName: String?
  /// The result's folder where it is not there.
  var defensePath: String?
  /// The archive that is changed where it is not the attack's; only tests of defences have one.
  var startPath: String?
  /// Whether an interrupted run in the same folder goes on; only runs that save can.
  public var resume = ResumeMode.off
  /// Steps from one checkpoint to the next; 0 is none but at the end of each epoch.
  public var checkpointSteps = 0
  /// The checkpoints that stay in the folder.
  public var keepCheckpoints = 2
  /// Whether that archive is the state_dict itself or a dictionary around it.
  public var defenseForm = DefenseForm.bare
  /// Keys that were not given, for which the archive's values stand; see `completed(by:)`.
  public var keysOfArchive: Set<String> = []
  /// Keys that were not given, for which the dataset's own defaults stand.
  public var keysOfDataset: Set<String> = []
  /// Whether the trigger is applied anew although triggered images are beside the archive.
  public var appliesTrigger = false
  /// Everything that was given, in the order read.
  public var arguments: [ConfigArgument] = []

  /// The configuration of a tuning run on the result of `attack`, with all defaults.
  public init(attack: AttackName?) { settings.name = attack }

  /// The attack's name; nil is what the archive's run names.
  public var attack: AttackName? {
    get { settings.name }
    set { settings.name = newValue }
  }

  /// The attack's folder: the one given, that of the archive given, or the one an attack run names.
  public var folder: String {
    guard let resultPath else {
      return RunFolderName.path(
        record: record, dataset: dataset, attack: (attack ?? .first).rawValue,
        poisonRatio: poisonRatio,
        attackTarget: attackTarget, model: model)
    }
    return ArchivePlace.isArchive(resultPath) ? PathText.folder(of: resultPath) : resultPath
  }

  /// The attack's archive.
  public var archivePath: String {
    if let startPath { return startPath }
    if let resultPath, ArchivePlace.isArchive(resultPath) { return resultPath }
    return "\(folder)/attack_result.pt"
  }

  /// The folder of this mode's result.
  public var defenseFolder: String {
    defensePath ?? "\(folder)/defense/\(defenseName ?? mode.rawValue)"
  }
}

extension TuneConfiguration {
  /// Keys whose defaults the FST paper gives for each dataset by itself.
  static let keysOfDataset: Set<String> = ["lr", "epochs", "alpha", "split_ratio"]

  /// Sets what was not given to the dataset's defaults, if it is one of the list.
  mutating func takeDefaultsOfDataset() {
    guard let defaults = Datasets.named(dataset)?.tuning else { return }
    if keysOfDataset.contains("lr") { learningRate = defaults.learningRate }
    if keysOfDataset.contains("epochs") { epochs = defaults.epochs }
    if keysOfDataset.contains("alpha") { alpha = defaults.alpha }
    if keysOfDataset.contains("split_ratio") { splitRatio = defaults.splitRatio }
  }
}

extension TuneConfiguration {
  /// The command and all settings that ranks must share.
  package var sharedSettings: [(key: String, value: String)] {
    ConfigField.shared(Self.fields, of: self, command: "tune")
  }
}
