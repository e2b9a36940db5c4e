/// The longest epochs, steps and batches that are taken for meant: products of them stay in an Int.
let countLimit = 1_000_000_000

extension AttackConfiguration: TrainingConfiguration {
  /// The keys of an attack run.
  public static let fields: [ConfigField<Self>] =
    [
      .choice("attack", \.attack), .text("dataset", \.dataset, "the name of a dataset"),
      .text("dataset_path", \.datasetPath, "a folder").role(.place),
      .integer("img_size", \.imageSide, LabeledImages.sides),
      .choice("tuning_split", \.tuningSplit),
      .number("split_ratio", \.splitRatio, .positiveShare),
      .integer("attack_target", \.attackTarget, 0...countLimit),
      .choice("attack_label_trans", \.labelTransform), .number("pratio", \.poisonRatio, .share),
      .text("patch_mask_path", \.patchMaskPath, "an image file").role(.image).of(.badnet),
      .text("attack_trigger_img_path", \.triggerImagePath, "an image file").role(.image)
        .of(.blended, .trojannn),
      .number("attack_train_blended_alpha", \.trainBlendedAlpha, .share).of(.blended),
      .number("attack_test_blended_alpha", \.testBlendedAlpha, .share).of(.blended),
      .number("sig_delta", \.sigDelta, .finite).of(.sig),
      .number("sig_f", \.sigFrequency, .finite).of(.sig),
      .choice("model", \.model), .integer("width", \.width, 1...4096),
      .number("lb_smooth", \.labelSmoothing, .belowOne),
      .text("record", \.record, "a folder").role(.output),
      .text("save_folder_name", \.saveFolderName, "the name of a folder").role(.output),
      .integer("frequency_save", \.frequencySave, 0...countLimit).role(.output),
      .choice("archive_arrays", \.archiveArrays).role(.output),
      .choice("archive_paths", \.archivePaths).role(.output),
    ] + trojanFields + trainingFields
    + PixelStatistics.fields.map { $0.within(\.pixelStatistics) }

  package var defaults: Self { Self(attack: attack) }
  package var knownAttack: AttackName? { attack }
  package var keysWithoutEffect: Set<String> { tuningSplit == .heldOut ? [] : ["split_ratio"] }
}

extension TuneConfiguration: TrainingConfiguration {
  /// The keys of a tuning run.
  public static let fields: [ConfigField<Self>] =
    [
      .choice("attack", \.attack), .text("record", \.record, "a folder").role(.output),
      .text("result", \.resultPath, "an attack's folder or its attack_result.pt").role(.output),
      .number("pratio", \.poisonRatio, .share),
      .integer("attack_target", \.attackTarget, 0...countLimit),
      .choice("attack_label_trans", \.labelTransform), .choice("model", \.model),
      .integer("width", \.width, 1...4096),
      .text("linear_name", \.linearName, "a layer's name").role(.output),
      .text("dataset", \.dataset, "the name of a dataset"),
      .text("dataset_path", \.datasetPath, "a folder").role(.place),
      .integer("img_size", \.imageSide, LabeledImages.sides),
      .number("split_ratio", \.splitRatio, .positiveShare),
      .choice("tuning_split", \.tuningSplit), .choice("ft_mode", \.mode),
      .number("alpha", \.alpha, .finite),
      .number("initlr", \.initialLearningRate, .nonNegative).role(.output),
      .number("lb_smooth", \.labelSmoothing, .belowOne),
      .boolean("save", \.save).role(.output), .choice("defense_form", \.defenseForm).role(.output),
      .integer("evaluate_every", \.evaluateEvery, 0...countLimit).role(.output),
    ] + triggerFields + trainingFields
    + PixelStatistics.fields.map { $0.within(\.pixelStatistics) }

  /// The keys of `trigger`.
  static let triggerFields: [ConfigField<Self>] = [
    .text("patch_mask_path", \.trigger.patchMaskPath, "an image file").role(.image).of(.badnet),
    .text("attack_trigger_img_path", \.trigger.triggerImagePath, "an image file").role(.image)
      .of(.blended, .trojannn),
    .number("attack_test_blended_alpha", \.trigger.testBlendedAlpha, .share).of(.blended),
    .number("sig_delta", \.trigger.sigDelta, .finite).of(.sig),
    .number("sig_f", \.trigger.sigFrequency, .finite).of(.sig),
  ]

  package var defaults: Self { Self(attack: attack) }
  package var knownAttack: AttackName? { attack }
  package var keysWithoutEffect: Set<String> { mode == .fst ? [] : ["alpha"] }
}

extension EvaluateConfiguration {
  /// The keys of an evaluation.
  public static let fields: [ConfigField<Self>] =
    PixelStatistics.fields.map {
      $0.within(\.pixelStatistics)
    } + [
      .text("dataset", \.dataset, "the name of a dataset"),
      .text("dataset_path", \.datasetPath, "a folder").role(.place),
      .integer("img_size", \.imageSide, LabeledImages.sides),
      .choice("attack", \.attack),
      .integer("attack_target", \.attackTarget, 0...countLimit),
      .choice("attack_label_trans", \.labelTransform),
      .text("patch_mask_path", \.patchMaskPath, "an image file").role(.image),
      .text("attack_trigger_img_path", \.triggerImagePath, "an image file").role(.image),
      .number("attack_test_blended_alpha", \.testBlendedAlpha, .share),
      .number("sig_delta", \.sigDelta, .finite), .number("sig_f", \.sigFrequency, .finite),
      .integer("batch_size", \.batchSize, 1...countLimit),
      .integer("threads", \.threads, 1...1024).role(.machine),
      .choice("convolution", \.convolution).role(.arithmetic),
    ]
}
