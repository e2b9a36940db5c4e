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
    name: .key("img_size"),
    help: ArgumentHelp(
      "Resize all images to so many rows and columns (default: what the archive names, else the "
        + "dataset's).", valueName: "side"))
  var imageSide: Int?

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
    flags.add("img_size", imageSide)
    pixels.add(to: &flags)
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
      for 0; imagenet or a dataset's name for theirs (default: what the archive's run had, else the \
      dataset's).
      """, valueName: "r,g,b"))
  var mean: String?

  @Option(
    name: .key("std"),
    help: ArgumentHelp(
      "Their standard deviations; none for 1, or a name (default: likewise).",
      valueName: "r,g,b"))
  var deviation: String?

  func add(to flags: inout GivenFlags) {
    flags.add("mean", plain: mean)
    flags.add("std", plain: deviation)
  }
}
