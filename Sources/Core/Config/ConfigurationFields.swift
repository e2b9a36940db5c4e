/// The longest epochs, steps and batches that are taken for meant: products of them stay in an Int.
let countLimit = 1_000_000_000

extension AttackConfiguration: TrainingConfiguration {
  /// The keys of an attack run.
  public static let fields: [ConfigField<Self>] =
    [
      .choice("attack", \.attack), .text("dataset", \.dataset, "the name of a dataset"),
      .text("dataset_path", \.datasetPath, "a folder"), .choice("tuning_split", \.tuningSplit),
      .number("split_ratio", \.splitRatio, .positiveShare),
      .integer("attack_target", \.attackTarget, 0...countLimit),
      .choice("attack_label_trans", \.labelTransform), .number("pratio", \.poisonRatio, .share),
      .text("patch_mask_path", \.patchMaskPath, "an image file"),
      .text("attack_trigger_img_path", \.triggerImagePath, "an image file"),
      .number("attack_train_blended_alpha", \.trainBlendedAlpha, .share),
      .number("attack_test_blended_alpha", \.testBlendedAlpha, .share),
      .number("sig_delta", \.sigDelta, .finite), .number("sig_f", \.sigFrequency, .finite),
      .choice("model", \.model), .integer("width", \.width, 1...4096),
      .number("lb_smooth", \.labelSmoothing, .belowOne), .text("record", \.record, "a folder"),
      .text("save_folder_name", \.saveFolderName, "the name of a folder"),
      .integer("frequency_save", \.frequencySave, 0...countLimit),
      .choice("archive_arrays", \.archiveArrays), .choice("archive_paths", \.archivePaths),
    ] + trojanFields + trainingFields
}

extension TuneConfiguration: TrainingConfiguration {
  /// The keys of a tuning run.
  public static let fields: [ConfigField<Self>] =
    [
      .choice("attack", \.attack), .text("record", \.record, "a folder"),
      .text("result", \.resultPath, "an attack's folder or its attack_result.pt"),
      .number("pratio", \.poisonRatio, .share),
      .integer("attack_target", \.attackTarget, 0...countLimit),
      .choice("attack_label_trans", \.labelTransform), .choice("model", \.model),
      .integer("width", \.width, 1...4096), .text("linear_name", \.linearName, "a layer's name"),
      .text("dataset", \.dataset, "the name of a dataset"),
      .text("dataset_path", \.datasetPath, "a folder"),
      .number("split_ratio", \.splitRatio, .positiveShare),
      .choice("tuning_split", \.tuningSplit), .choice("ft_mode", \.mode),
      .number("alpha", \.alpha, .finite), .number("initlr", \.initialLearningRate, .nonNegative),
      .number("lb_smooth", \.labelSmoothing, .belowOne), .boolean("save", \.save),
      .choice("defense_form", \.defenseForm),
    ] + trainingFields
}

extension EvaluateConfiguration {
  /// The keys of an evaluation.
  public static let fields: [ConfigField<Self>] = [
    .text("dataset", \.dataset, "the name of a dataset"),
    .text("dataset_path", \.datasetPath, "a folder"), .choice("attack", \.attack),
    .integer("attack_target", \.attackTarget, 0...countLimit),
    .choice("attack_label_trans", \.labelTransform),
    .text("patch_mask_path", \.patchMaskPath, "an image file"),
    .text("attack_trigger_img_path", \.triggerImagePath, "an image file"),
    .number("attack_test_blended_alpha", \.testBlendedAlpha, .share),
    .number("sig_delta", \.sigDelta, .finite), .number("sig_f", \.sigFrequency, .finite),
    .integer("batch_size", \.batchSize, 1...countLimit), .integer("threads", \.threads, 1...1024),
    .choice("convolution", \.convolution),
  ]
}
