import Distributed

/// All that decides an attack run: data, poison, model, optimisation and where the result goes.
///
/// Properties carry the names of the field; their YAML keys and flags are BackdoorBench's and stand
/// in `AttackConfiguration.fields`. Nothing changes a configuration once the run has started.
public struct AttackConfiguration: Equatable, Sendable {
  /// The attack and its own settings.
  package var settings: AttackSettings

  // MARK: Data

  /// The dataset, by its name in `Datasets`.
  public var dataset = Datasets.usual.name
  /// The folder that holds the dataset, or holds `cifar10/` and its like.
  public var datasetPath = "./data"
  /// The rows and columns that images are resized to; nil are the dataset's own.
  public var imageSide: Int?
  /// How pixels are scaled, where not as the dataset's usually are.
  public var pixelStatistics = PixelStatistics()
  /// Whether training images are cropped (padding 4) and flipped.
  public var augment = true
  /// Whether the images of `splitRatio` are left out of training, for tuning on unseen images.
  public var tuningSplit = TuningSplit.random
  /// The share of each class that `held_out` leaves out, 0…1.
  public var splitRatio = 0.02

  // MARK: Poison

  /// The class that triggered images are to be taken for (`all2one`).
  public var attackTarget = 0
  /// How labels of poisoned images change.
  public var labelTransform = LabelTransformName.all2one
  /// The share of the training images that is poisoned, 0…1; 0 trains a clean model.
  public var poisonRatio = 0.1

  // MARK: Model

  /// The model's architecture.
  public var model = NetworkKind.resnet18
  /// The planes of the first stage; 64 is the published model.
  public var width = 64

  // MARK: Optimisation

  /// The number of passes over the training images.
  public var epochs = 100
  /// The images of one step on all ranks together, unless `batchSizePerRank` is given.
  public var batchSize = 128
  /// The images of one step on each rank.
  public var batchSizePerRank: Int?
  /// The learning rate at the start.
  public var learningRate = 0.1
  /// How the learning rate falls.
  public var schedule = ScheduleName.cosine
  /// The epochs after which a cosine reaches zero; nil is all of `epochs`.
  ///
  /// The originals take 100 whatever the number of epochs is.
  public var cosineEpochs: Int?
  /// The epochs after which `MultiStepLR` multiplies the learning rate by `gamma`.
  public var milestones: [Int] = []
  /// The factor of `MultiStepLR`.
  public var gamma = 0.1
  /// The factor of `ReduceLROnPlateau`.
  public var plateauFactor = 0.1
  /// SGD's momentum, 0..<1.
  public var momentum = 0.9
  /// SGD's weight decay, on all parameters.
  public var weightDecay = 5e-4
  /// The label smoothing of the cross-entropy, 0..<1.
  public var labelSmoothing = 0.0
  /// The seed of every random draw; at most 2^32 - 1, as NumPy's.
  public var randomSeed: UInt64 = 0
  /// Stops after this many steps in all; nil is no limit.
  public var maxSteps: Int?

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

  /// The root of all runs' folders; its path must contain `record` for the original tools' sake.
  public var record = "record"
  /// The run's folder below `record`; nil is the name made of dataset, attack and ratio.
  public var saveFolderName: String?
  /// Keeps a copy of the model every so many epochs; 0 is never.
  public var frequencySave = 0
  /// Whether an interrupted run in the same folder goes on.
  public var resume = ResumeMode.off
  /// Steps from one checkpoint to the next; 0 is none but at the end of each epoch.
  public var checkpointSteps = 0
  /// The checkpoints that stay in the folder.
  public var keepCheckpoints = 2
  /// How `attack_result.pt` stores its arrays.
  public var archiveArrays = ArchiveArrays.numpy
  /// Which paths of this machine `attack_result.pt` tells.
  public var archivePaths = ArchivePaths.relative
  /// Everything that was given, in the order read, for `info.pickle`.
  public var arguments: [ConfigArgument] = []

  /// The configuration of `attack` with all defaults.
  public init(attack: AttackName) {
    settings = AttackSettings(attack)
    type(of: settings.chosen).setDefaults(of: &self)
  }

  /// The attack's name.
  public var attack: AttackName {
    get { settings.name ?? .first }
    set { settings.name = newValue }
  }

  /// Whether the attack, with these settings, starts from a clean model.
  var needsCleanModel: Bool {
    (settings.chosen as? any CleanModelAttack)?.takesCleanModel ?? false
  }

  /// The archive of the clean model that the attack starts from, where it does and that is given.
  var cleanModelPath: String? {
    get { (settings.chosen as? any CleanModelAttack)?.cleanModelPath }
    set {
      guard var attack = settings.chosen as? any CleanModelAttack else { return }
      attack.cleanModelPath = newValue
      settings.chosen = attack
    }
  }

  /// The run's folder: `record/<dataset>/<attack>/pratio_<p>-target_<t>-archi_<model>`.
  public var folder: String {
    if let saveFolderName { return "\(record)/\(saveFolderName)" }
    return RunFolderName.path(
      record: record, dataset: dataset, attack: attack.rawValue, poisonRatio: poisonRatio,
      attackTarget: attackTarget, model: model)
  }
}

extension AttackConfiguration {
  /// The command and all settings that ranks must share.
  package var sharedSettings: [(key: String, value: String)] {
    ConfigField.shared(Self.fields, of: self, command: "attack")
  }
}

extension AttackConfiguration {
  /// What its run scales pixels with, as it is noted among the run's arguments.
  var pixelArguments: [ConfigArgument] {
    let used = pixelStatistics.normalization(of: dataset)
    func list(_ values: [Float]) -> ConfigValue { .list(values.map { .real($0.asWritten) }) }
    return [
      ConfigArgument(key: PixelStatistics.notedKeys.mean, value: list(used.mean)),
      ConfigArgument(
        key: PixelStatistics.notedKeys.deviation, value: list(used.standardDeviation)),
    ]
  }
}
