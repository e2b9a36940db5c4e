/// The longest epochs, steps and batches that are taken for meant: products of them stay in an Int.
let countLimit = 1_000_000_000

extension AttackConfiguration: TrainingConfiguration {
  /// The keys of an attack run.
  public static let fields: [ConfigField<Self>] =
    [.choice("attack", \.attack).help("The attack", in: .run)] + dataFields + poisonFields
    + AttackSettings.fields.map { $0.within(\.settings) } + modelFields + resultFields
    + trainingFields
    + PixelStatistics.fields.map { $0.within(\.pixelStatistics) }

  private static let dataFields: [ConfigField<Self>] = [
    .text("dataset", \.dataset, "the name of a dataset").help(
      Datasets.all.map { "\($0.name): \($0.summary)" }.joined(separator: "; "), "name", in: .data),
    .text("dataset_path", \.datasetPath, "a folder").role(.place).help(
      "The folder with the dataset's files, or with their own folder or one called as the dataset "
        + "in it", "folder", in: .data),
    .integer("img_size", \.imageSide, LabeledImages.sides).help(
      "Resize all images to so many rows and columns, as Pillow does (default: the dataset's; tune: "
        + "the archive's)", "side", in: .data),
    .choice("tuning_split", \.tuningSplit).help(
      """
      Where clean tuning images come from: random, a share of all training images; held_out, the \
      first of each class, which attack and tune must both be told
      """, "split", in: .data),
    .number("split_ratio", \.splitRatio, .positiveShare).help(
      "The share of training images for tuning, 0 to 1", "share", in: .data),
  ]

  private static let poisonFields: [ConfigField<Self>] = [
    .integer("attack_target", \.attackTarget, 0...countLimit).help(
      "The class that triggered images are to be taken for", "class", in: .run),
    .choice("attack_label_trans", \.labelTransform).help(
      "How poisoned labels change", "change", in: .run),
    .number("pratio", \.poisonRatio, .share).help(
      "The share of poisoned training images, 0 to 1; 0 trains a clean model", "share", in: .run),
  ]

  private static let modelFields: [ConfigField<Self>] = [
    .choice("model", \.model).help("The architecture", in: .run),
    .integer("width", \.width, 1...4096).help(
      "The planes of the model's first stage; 64 is the published model, 16 is quick", "planes",
      in: .run),
    .number("lb_smooth", \.labelSmoothing, .belowOne).form(.typed).help(
      """
      Label smoothing, 0 to below 1, as the originals mean it: this share of the target is spread \
      over the other classes, none of it on the label itself (default: none)
      """, "share", in: .training),
  ]

  private static let resultFields: [ConfigField<Self>] = [
    .text("record", \.record, "a folder").role(.output).help(
      "The root of all runs' folders", "folder", in: .run),
    .text("save_folder_name", \.saveFolderName, "the name of a folder").role(.output).help(
      "The run's folder below --record (default: made of dataset, attack, ratio and model)",
      "name", in: .result),
    .integer("frequency_save", \.frequencySave, 0...countLimit).role(.output).help(
      "Keep a copy of the model every so many epochs; 0 is never", "epochs", in: .result),
    .choice("archive_arrays", \.archiveArrays).role(.output).help(
      """
      How attack_result.pt stores index arrays: numpy, as the original tools; lists, which \
      torch.load opens with its defaults
      """, "form", in: .result),
    .choice("archive_paths", \.archivePaths).role(.output).help(
      """
      How attack_result.pt names dataset and images: relative, from the working folder, data or \
      record on; absolute, as the original tools
      """, "form", in: .result),
  ]

  package var defaults: Self { Self(attack: attack) }
  package var knownAttack: String? { attack.rawValue }
  package var keysWithoutEffect: Set<String> {
    idlePowerSGDKeys.union(tuningSplit == .heldOut ? [] : ["split_ratio"])
  }
}
