import Distributed

/// What an attack's training and a tuning have in common.
///
/// How they optimise, use ranks and threads, and save their state; each property is described where
/// a configuration declares it.
package protocol TrainingConfiguration: Sendable {
  /// All keys of the command, these among them.
  static var fields: [ConfigField<Self>] { get }
  /// The same with all defaults.
  var defaults: Self { get }
  /// The attack that trains the model or has trained it, where that is known.
  var knownAttack: String? { get }
  /// Keys that other settings leave without effect.
  var keysWithoutEffect: Set<String> { get }

  var dataset: String { get }
  var epochs: Int { get set }
  var batchSize: Int { get set }
  var batchSizePerRank: Int? { get set }
  var learningRate: Double { get set }
  var schedule: ScheduleName { get set }
  var cosineEpochs: Int? { get set }
  var milestones: [Int] { get set }
  var gamma: Double { get set }
  var plateauFactor: Double { get set }
  var momentum: Double { get set }
  var weightDecay: Double { get set }
  var augment: Bool { get set }
  var randomSeed: UInt64 { get set }
  var maxSteps: Int? { get set }
  var threads: Int? { get set }
  var convolution: ConvolutionChoice { get set }
  var precision: PrecisionChoice { get set }
  var syncBatchNorm: Bool { get set }
  var accumulationSteps: Int { get set }
  var compression: GradientCompression { get set }
  var powerSGD: PowerSGDSettings { get set }
  var stallWarning: Double { get set }
  var stallExit: Double { get set }
  var checkReplicas: Int { get set }
  var timelinePath: String? { get set }
  var resume: ResumeMode { get set }
  var checkpointSteps: Int { get set }
  var keepCheckpoints: Int { get set }
}

extension TrainingConfiguration {
  /// Settings of PowerSGD where gradients do not travel by it.
  var idlePowerSGDKeys: Set<String> {
    compression == .powersgd ? [] : Set(Self.powerSGDKeys)
  }

  /// The epochs of a cosine's half period: `cosine_t_max`, or `epochs` where that is not given.
  package var scheduleEpochs: Int { cosineEpochs ?? epochs }

  /// What training does to its images; nil is nothing.
  var augmentation: Augmentation? { augment ? Datasets.known(dataset).augmentation : nil }

  /// The learning-rate schedule that the names and numbers amount to.
  var learningRateSchedule: LearningRateSchedule {
    LearningRateSchedule(
      schedule, base: learningRate, period: scheduleEpochs, milestones: milestones, gamma: gamma,
      factor: plateauFactor)
  }

  /// Images of one step over all ranks.
  func globalBatchSize(worldSize: Int) -> Int {
    batchSizePerRank.map { $0 * worldSize } ?? batchSize
  }
}
