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
  var knownAttack: AttackName? { get }
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
  var momentum: Double { get set }
  var weightDecay: Double { get set }
  var augment: Bool { get set }
  var randomSeed: UInt64 { get set }
  var maxSteps: Int? { get set }
  var threads: Int? { get set }
  var convolution: ConvolutionChoice { get set }
  var syncBatchNorm: Bool { get set }
  var accumulationSteps: Int { get set }
  var compression: GradientCompression { get set }
  var stallWarning: Double { get set }
  var stallExit: Double { get set }
  var checkReplicas: Int { get set }
  var timelinePath: String? { get set }
  var resume: ResumeMode { get set }
  var checkpointSteps: Int { get set }
  var keepCheckpoints: Int { get set }
}

extension TrainingConfiguration {
  /// The keys of all these.
  static var trainingFields: [ConfigField<Self>] {
    [
      .boolean("augment", \.augment), .integer("epochs", \.epochs, 1...countLimit),
      .integer("batch_size", \.batchSize, 1...countLimit),
      .integer("batch_size_per_rank", \.batchSizePerRank, 1...countLimit),
      .number("lr", \.learningRate, .nonNegative), .choice("lr_scheduler", \.schedule),
      .integer("cosine_t_max", \.cosineEpochs, 1...countLimit),
      .integers("steplr_milestones", \.milestones, 0...countLimit),
      .number("steplr_gamma", \.gamma, .nonNegative),
      .number("sgd_momentum", \.momentum, .belowOne), .number("wd", \.weightDecay, .nonNegative),
      .seed("random_seed", \.randomSeed), .integer("max_steps", \.maxSteps, 0...countLimit),
      .integer("threads", \.threads, 1...1024).role(.machine),
      .choice("convolution", \.convolution).role(.arithmetic),
      .boolean("sync_bn", \.syncBatchNorm),
      .integer("accumulation_steps", \.accumulationSteps, 1...countLimit),
      .choice("compress", \.compression),
    ] + keepingFields.map { $0.role(.output) }
  }

  /// The keys of what is saved and watched.
  private static var keepingFields: [ConfigField<Self>] {
    [
      .number("stall_warn", \.stallWarning, .nonNegative),
      .number("stall_exit", \.stallExit, .nonNegative),
      .integer("check_replicas", \.checkReplicas, 0...countLimit),
      .text("timeline", \.timelinePath, "a file"), .resume("resume", \.resume),
      .integer("checkpoint_steps", \.checkpointSteps, 0...countLimit),
      .integer("keep_checkpoints", \.keepCheckpoints, 1...countLimit),
      .fixed("client_optimizer", .text("sgd")), .fixed("pre", .boolean(false)),
    ]
  }

  /// The epochs of a cosine's half period: `cosine_t_max`, or `epochs` where that is not given.
  package var scheduleEpochs: Int { cosineEpochs ?? epochs }

  /// What training does to its images; nil is nothing.
  var augmentation: Augmentation? { augment ? Datasets.known(dataset).augmentation : nil }

  /// The learning-rate schedule that the names and numbers amount to.
  var learningRateSchedule: LearningRateSchedule {
    LearningRateSchedule(
      schedule, base: learningRate, period: scheduleEpochs, milestones: milestones, gamma: gamma)
  }

  /// Images of one step over all ranks.
  func globalBatchSize(worldSize: Int) -> Int {
    batchSizePerRank.map { $0 * worldSize } ?? batchSize
  }
}
