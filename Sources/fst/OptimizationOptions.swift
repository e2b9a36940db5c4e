import ArgumentParser
import Core

private let attackDefaults = AttackConfiguration(attack: .badnet)
private let tuneDefaults = TuneConfiguration(attack: .badnet)

/// Steps, learning rate, seed.
struct OptimizationOptions: ParsableArguments {
  @Option(
    name: .key("epochs"),
    help: ArgumentHelp(
      "Passes over the training images "
        + "(default: \(attackDefaults.epochs); tune: \(tuneDefaults.epochs)).", valueName: "n"))
  var epochs: Int?

  @Option(
    name: .key("batch_size"),
    help: ArgumentHelp(
      "Images of one step on all ranks together; an attack leaves out those at the end of an epoch "
        + "that fill no batch, other ones each time (default: \(attackDefaults.batchSize)).",
      valueName: "images"))
  var batchSize: Int?

  @Option(
    name: .key("batch_size_per_rank"),
    help: ArgumentHelp("Images of one step on each rank, instead.", valueName: "images"))
  var batchSizePerRank: Int?

  @Option(
    name: .key("lr"),
    help: ArgumentHelp(
      "The learning rate at the start "
        + "(default: \(attackDefaults.learningRate); tune: \(tuneDefaults.learningRate)).",
      valueName: "rate"))
  var learningRate: Double?

  @Option(
    name: .key("lr_scheduler"),
    help: ArgumentHelp(
      "How it falls (default: \(attackDefaults.schedule.rawValue)).", valueName: "name"))
  var schedule: ScheduleName?

  @Option(
    name: .key("cosine_t_max"),
    help: ArgumentHelp(
      "Epochs until a cosine reaches zero; the original attacks take 100 whatever --epochs says "
        + "(default: --epochs).", valueName: "epochs"))
  var cosineEpochs: Int?

  @Option(
    name: .key("steplr_milestones"), parsing: .upToNextOption,
    help: ArgumentHelp(
      "Epochs after which MultiStepLR multiplies it by --steplr_gamma.", valueName: "epochs"))
  var milestones: [Int] = []

  @Option(
    name: .key("steplr_gamma"),
    help: ArgumentHelp("That factor (default: \(attackDefaults.gamma)).", valueName: "factor"))
  var gamma: Double?

  @Option(
    name: .key("sgd_momentum"),
    help: ArgumentHelp(
      "Momentum, 0 to below 1 (default: \(attackDefaults.momentum)).", valueName: "share"))
  var momentum: Double?

  @Option(
    name: .key("wd"),
    help: ArgumentHelp(
      "Weight decay (default: \(attackDefaults.weightDecay); tune: \(tuneDefaults.weightDecay)).",
      valueName: "rate"))
  var weightDecay: Double?

  @Option(
    name: .key("lb_smooth"),
    help: ArgumentHelp(
      "Label smoothing, 0 to below 1, as the originals mean it: this share of the target is spread "
        + "over the other classes, none of it on the label itself; in tune it takes the place of "
        + "the feature-shift penalty, as in the published script (default: none).",
      valueName: "share"))
  var labelSmoothing: String?

  @Option(
    name: [.customLong("random_seed"), .customLong("seed")],
    help: ArgumentHelp(
      "The seed of every random draw; the synthetic dataset is the same for all "
        + "(default: \(attackDefaults.randomSeed)).", valueName: "n"))
  var randomSeed: Int?

  @Option(
    name: .key("max_steps"),
    help: ArgumentHelp(
      "Stop after so many steps in all; a part of an epoch then counts as one (default: no limit).",
      valueName: "n"))
  var maxSteps: Int?

  @Flag(
    name: .key("sync_bn"),
    help: ArgumentHelp(
      "Batch normalisation over all ranks; 1, 2, 3, 4, 6, 8, 12 or 24 of them, with any number of "
        + "threads, then give the same bits."))
  var syncBatchNorm = false

  func add(to flags: inout GivenFlags) {
    flags.add("epochs", epochs)
    flags.add("batch_size", batchSize)
    flags.add("batch_size_per_rank", batchSizePerRank)
    flags.add("lr", learningRate)
    flags.add("lr_scheduler", schedule)
    flags.add("cosine_t_max", cosineEpochs)
    flags.add("steplr_milestones", milestones)
    flags.add("steplr_gamma", gamma)
    flags.add("sgd_momentum", momentum)
    flags.add("wd", weightDecay)
    flags.add("lb_smooth", plain: labelSmoothing)
    flags.add("random_seed", randomSeed)
    flags.add("max_steps", maxSteps)
    flags.add("sync_bn", flag: syncBatchNorm)
  }
}
