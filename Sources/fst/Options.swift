import ArgumentParser
import Core

/// What the help names as defaults.
private let attackDefaults = AttackConfiguration(attack: .badnet)
private let tuneDefaults = TuneConfiguration(attack: .badnet)

/// YAML files, by the original tools' flags.
struct YAMLOptions: ParsableArguments {
  @Option(
    name: .key("yaml_path"),
    help: ArgumentHelp(
      "Settings of data, model and training; flags and the attack's YAML override it.",
      valueName: "file"))
  var prototype: String?

  @Option(
    name: .key("bd_yaml_path"),
    help: ArgumentHelp("Settings of the attack; flags override it.", valueName: "file"))
  var attack: String?
}

/// Which images.
struct DataOptions: ParsableArguments {
  @Option(
    name: .key("dataset"),
    help: ArgumentHelp(
      Datasets.all.map { "\($0.name): \($0.summary)" }.joined(separator: "; ")
        + " (default: \(attackDefaults.dataset)).", valueName: "name"))
  var dataset: String?

  @Option(
    name: .key("dataset_path"),
    help: ArgumentHelp(
      "The folder with the dataset's files, or with their own folder or one called as the dataset "
        + "in it (default: \(attackDefaults.datasetPath)).", valueName: "folder"))
  var datasetPath: String?

  @Option(
    name: .key("img_size"),
    help: ArgumentHelp(
      "Resize all images to so many rows and columns, as Pillow does (default: the dataset's; tune: "
        + "the archive's).", valueName: "side"))
  var imageSide: Int?

  @OptionGroup var pixels: PixelOptions

  @Flag(name: .key("no_augment"), help: "No random crop and flip of training images.")
  var noAugment = false

  @Option(
    name: .key("tuning_split"),
    help: ArgumentHelp(
      """
      Where clean tuning images come from: random, a share of all training images; held_out, the \
      first of each class, which attack and tune must both be told (default: random).
      """, valueName: "split"))
  var tuningSplit: TuningSplit?

  @Option(
    name: .key("split_ratio"),
    help: ArgumentHelp(
      "The share of training images for tuning, 0 to 1 (default: \(attackDefaults.splitRatio)).",
      valueName: "share"))
  var splitRatio: Double?

  func add(to flags: inout GivenFlags) {
    flags.add("dataset", dataset)
    flags.add("dataset_path", datasetPath)
    flags.add("img_size", imageSide)
    pixels.add(to: &flags)
    flags.add("augment", flag: noAugment, meaning: false)
    flags.add("tuning_split", tuningSplit)
    flags.add("split_ratio", splitRatio)
  }
}

/// Poison and model: what a run's folder is named after.
struct RunOptions: ParsableArguments {
  @Option(
    name: .key("record"),
    help: ArgumentHelp(
      "The root of all runs' folders (default: \(attackDefaults.record)).", valueName: "folder"))
  var record: String?

  @Option(
    name: .key("pratio"),
    help: ArgumentHelp(
      "The share of poisoned training images, 0 to 1; 0 trains a clean model "
        + "(default: \(attackDefaults.poisonRatio)).", valueName: "share"))
  var poisonRatio: Double?

  @Option(
    name: .key("attack_target"), parsing: .unconditional,
    help: ArgumentHelp(
      "The class that triggered images are to be taken for "
        + "(default: \(attackDefaults.attackTarget)).", valueName: "class"))
  var attackTarget: Int?

  @Option(
    name: .key("attack_label_trans"),
    help: ArgumentHelp("How poisoned labels change (default: all2one).", valueName: "change"))
  var labelTransform: LabelTransformName?

  @Option(
    name: .key("model"),
    help: ArgumentHelp(
      "The architecture (default: \(attackDefaults.model.rawValue)).", valueName: "name"))
  var model: NetworkKind?

  @Option(
    name: .key("width"),
    help: ArgumentHelp(
      "The planes of the model's first stage; 64 is the published model, 16 is quick "
        + "(default: \(attackDefaults.width); tune: what the archive holds).",
      valueName: "planes"))
  var width: Int?

  func add(to flags: inout GivenFlags) {
    flags.add("record", record)
    flags.add("pratio", poisonRatio)
    flags.add("attack_target", attackTarget)
    flags.add("attack_label_trans", labelTransform)
    flags.add("model", model)
    flags.add("width", width)
  }
}

/// Threads and ranks.
struct MachineOptions: ParsableArguments {
  @Option(
    name: .key("threads"),
    help: ArgumentHelp("Threads of each rank (default: its share of the cores).", valueName: "n"))
  var threads: Int?

  @Option(
    name: .key("convolution"),
    help: ArgumentHelp(
      "Convolution kernels: automatic, the fastest for each layer; im2col, patch matrices "
        + "for all, slower, as a check (default: automatic).", valueName: "kernels"))
  var convolution: ConvolutionChoice?

  @Flag(name: .key("json"), help: "The result as one JSON object in the last line of output.")
  var json = false

  func add(to flags: inout GivenFlags) {
    flags.add("threads", threads)
    flags.add("convolution", convolution)
  }
}

/// Flags of the original tools that mean nothing on a CPU.
struct IgnoredOptions: ParsableArguments {
  @Option(name: .key("device"), help: ArgumentHelp("Accepted, without effect.", valueName: "name"))
  var device: String?

  @Option(
    name: .key("num_workers"), help: ArgumentHelp("Accepted, without effect.", valueName: "n"))
  var workers: String?

  @Option(
    name: [.customLong("pin_memory"), .customLong("pm", withSingleDash: true)],
    help: ArgumentHelp("Accepted, without effect.", valueName: "boolean"))
  var pinMemory: String?

  @Option(
    name: [.customLong("non_blocking"), .customLong("nb", withSingleDash: true)],
    help: ArgumentHelp("Accepted, without effect.", valueName: "boolean"))
  var nonBlocking: String?

  @Option(
    name: [.customLong("prefetch"), .customLong("pf", withSingleDash: true)],
    help: ArgumentHelp("Accepted, without effect.", valueName: "boolean"))
  var prefetch: String?

  @Option(name: .key("amp"), help: ArgumentHelp("Accepted, without effect.", valueName: "boolean"))
  var amp: String?

  @Option(name: .key("git_hash"), help: .hidden)
  var gitHash: String?

  @Option(
    name: .key("client_optimizer"),
    help: ArgumentHelp("The optimiser; sgd is the one there is.", valueName: "name"))
  var optimizer: String?

  @Flag(name: .key("log"), help: "Accepted: a log is written in any case.")
  var log = false

  @Flag(name: .key("pre"), help: .hidden)
  var pretrained = false

  func add(to flags: inout GivenFlags) {
    flags.add("device", device)
    flags.add("num_workers", workers)
    flags.add("pin_memory", pinMemory)
    flags.add("non_blocking", nonBlocking)
    flags.add("prefetch", prefetch)
    flags.add("amp", amp)
    flags.add("git_hash", gitHash)
    flags.add("client_optimizer", optimizer)
    flags.add("log", flag: log)
    flags.add("pre", flag: pretrained)
  }
}
