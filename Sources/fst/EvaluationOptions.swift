import ArgumentParser
import Core

/// What archives are judged on: the dataset, and the trigger where its images are not at hand.
struct EvaluationOptions: ParsableArguments {
  @Option(
    name: .key("dataset"),
    help: ArgumentHelp("The dataset (default: what the archive names).", valueName: "name"))
  var dataset: String?

  @Option(
    name: .key("dataset_path"),
    help: ArgumentHelp(
      "The folder with its files (default: what the archive names).", valueName: "folder"))
  var datasetPath: String?

  @Option(
    name: .key("attack"),
    help: ArgumentHelp(
      "Apply this attack's trigger anew, whatever images are beside the archive.",
      valueName: "name"))
  var attack: AttackName?

  @Option(
    name: .key("attack_target"), parsing: .unconditional,
    help: ArgumentHelp(
      "Its target class (default: what the archive names, else 0).", valueName: "class"))
  var attackTarget: Int?

  @Option(
    name: .key("attack_label_trans"),
    help: ArgumentHelp(
      "How it changed labels (default: what the archive says, else all2one).",
      valueName: "change"))
  var labelTransform: LabelTransformName?

  @Flag(
    name: .key("stem_pool"),
    help: "A max-pool follows the 3x3 stem of the archive's network, which tensors do not show.")
  var poolsStem = false

  @OptionGroup var pixels: PixelOptions
  @OptionGroup(title: "Triggers") var trigger: TriggerOptions

  @Option(
    name: .key("batch_size"),
    help: ArgumentHelp(
      "Images of one step on all ranks together (default: 128).", valueName: "images")
  )
  var batchSize: Int?

  func add(to flags: inout GivenFlags) {
    flags.add("dataset", dataset)
    flags.add("dataset_path", datasetPath)
    pixels.add(to: &flags)
    flags.add("stem_pool", flag: poolsStem)
    flags.add("attack", attack)
    flags.add("attack_target", attackTarget)
    flags.add("attack_label_trans", labelTransform)
    trigger.add(to: &flags)
    flags.add("batch_size", batchSize)
  }
}

/// How pixels are scaled.
struct PixelOptions: ParsableArguments {
  @Option(
    name: .key("mean"),
    help: ArgumentHelp(
      """
      The mean of red, green and blue, 0 to 1, that pixels are scaled with, as 0.5,0.5,0.5; none \
      for 0 (default: what the archive's run had, else CIFAR-10's 0.4914,0.4822,0.4465).
      """, valueName: "r,g,b"))
  var mean: String?

  @Option(
    name: .key("std"),
    help: ArgumentHelp(
      "Their standard deviations; none for 1 (default: likewise, CIFAR-10's 0.247,0.243,0.261).",
      valueName: "r,g,b"))
  var deviation: String?

  func add(to flags: inout GivenFlags) {
    flags.add("mean", plain: mean)
    flags.add("std", plain: deviation)
  }
}
