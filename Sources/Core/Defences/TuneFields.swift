extension TuneConfiguration: TrainingConfiguration {
  /// The keys of a tuning run; what an attack has too is described there.
  public static let fields: [ConfigField<Self>] =
    (attackFields + tuningFields + AttackSettings.triggerFields.map { $0.within(\.settings) }
    + trainingFields
    + PixelStatistics.fields.map { $0.within(\.pixelStatistics) })
    .map { $0.described(as: AttackConfiguration.fields) }

  /// What the attack was and which data it had.
  private static let attackFields: [ConfigField<Self>] = [
    .choice("attack", \.attack).help(
      "The attack whose result is tuned (default: what the run of --result names)", "name",
      in: .tuning),
    .text("record", \.record, "a folder").role(.output),
    .text("result", \.resultPath, "an attack's folder or its attack_result.pt").role(.output).help(
      "The attack's folder or an archive (default: the folder that the attack's settings name)",
      "path", in: .tuning),
    .number("pratio", \.poisonRatio, .share),
    .integer("attack_target", \.attackTarget, 0...countLimit),
    .choice("attack_label_trans", \.labelTransform), .choice("model", \.model),
    .integer("width", \.width, 1...4096).help(
      "The planes of the model's first stage (default: what the archive holds)", "planes",
      in: .run),
    .text("linear_name", \.linearName, "a layer's name").role(.output).help(
      "The head layer's name in the archive, of which it must be one", "name", in: .tuning),
    .boolean("stem_pool", \.poolsStem).help(
      "A max-pool follows the 3x3 stem of the archive's network, which tensors do not show",
      in: .tuning),
    .text("dataset", \.dataset, "the name of a dataset"),
    .text("dataset_path", \.datasetPath, "a folder").role(.place),
    .integer("img_size", \.imageSide, LabeledImages.sides),
    .number("split_ratio", \.splitRatio, .positiveShare).help(
      "The share of training images for tuning, 0 to 1", "share", in: .data
    ).synonym("ratio", "BackdoorBench's name of --split_ratio."),
    .choice("tuning_split", \.tuningSplit),
    .text("index", \.indexPath, "a file of indices").help(
      """
      The indices of the clean tuning images in the training set, from 0, in a text file; they take \
      the place of --split_ratio, as in BackdoorBench (default: they are drawn)
      """, "file", in: .data),
  ]

  private static let tuningFields: [ConfigField<Self>] = [
    .choice("ft_mode", \.mode).help("The way of tuning", "mode", in: .tuning),
    .alpha.help(
      """
      fst: the weight of the feature-shift penalty; the paper's command says 0.1; auto is the \
      largest of a few that costs held-out clean images no more than --alpha_loss
      """, "weight", in: .tuning),
    .number("alpha_loss", \.largestAlphaLoss, .belowOne).help(
      "The clean accuracy that --alpha auto may cost, against the best of what it tries", "share",
      in: .tuning),
    .number("initlr", \.initialLearningRate, .nonNegative).role(.output).help(
      "Accepted; like in the published script, no computation reads it", "rate", in: .tuning),
    .number("lb_smooth", \.labelSmoothing, .belowOne).form(.typed).help(
      """
      Label smoothing, 0 to below 1, as the originals mean it: this share of the target is spread \
      over the other classes, none of it on the label itself; it takes the place of the \
      feature-shift penalty, as in the published script (default: none)
      """, "share", in: .training),
    .boolean("save", \.save).role(.output).help(
      "Write defense/<mode>/defense_result.pt in the attack's folder", in: .tuning),
    .choice("defense_form", \.defenseForm).role(.output).help(
      """
      bare, the state_dict itself, as the FST scripts; dict, with model_name, num_classes and \
      model, as BackdoorBench
      """, "form", in: .tuning),
    .integer("evaluate_every", \.evaluateEvery, 0...countLimit).role(.output).help(
      "Evaluate after every so many epochs, for their lines and ft_df.csv; 0 is at the end only",
      "epochs", in: .tuning),
  ]

  package var defaults: Self { Self(attack: attack) }
  package var knownAttack: String? { attack?.rawValue }
  package var keysWithoutEffect: Set<String> {
    let idle: Set = mode != .fst ? ["alpha", "alpha_loss"] : choosesAlpha ? [] : ["alpha_loss"]
    let undrawn: Set = indexPath == nil ? [] : ["split_ratio", "tuning_split"]
    return idle.union(idlePowerSGDKeys).union(undrawn)
  }
}
