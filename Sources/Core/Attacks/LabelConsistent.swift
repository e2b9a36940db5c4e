import Distributed

/// lc: images of the target class that are hard to tell, with marks in their corners; labels stay
/// (Turner, Tsipras and Madry, Label-Consistent Backdoor Attacks, 2019).
package struct LabelConsistent: CleanModelAttack {
  package static let name = "lc"
  package static let summary =
    "images of the target class made hard to tell, marks in the corners, labels kept"

  /// The model that the images are to fool.
  package enum Fooled: String, CaseIterable, Sendable {
    /// One that is trained on moved images for a short while.
    case robust
    /// The clean model.
    case clean
  }

  /// How much of 255 the marks move a pixel.
  package var amplitude = 1.0
  /// The images that stand for the poisoned ones; nil makes them.
  package var imagesPath: String?
  package var cleanModelPath: String?
  /// The archive of the model that the images are to fool; nil is `fooled`.
  package var robustModelPath: String?
  /// That model, where no archive is given.
  package var fooled = Fooled.robust
  /// How far a pixel may move and by how much it moves in a step, in grey levels, and the steps.
  package var distance = 8.0, step = 1.5, steps = 100
  /// Whether moved pixels are rounded to grey levels; the original cuts their fraction off.
  package var rounds = true
  var robust = RobustSettings()

  package init() {}

  package var keepsLabels: Bool { true }

  package var takesCleanModel: Bool {
    fooled == .clean && robustModelPath == nil && imagesPath == nil
  }

  package static let triggerFields: [ConfigField<Self>] = [
    .number("reduced_amplitude", \.amplitude, .share).help(
      "How much of 255 the marks in the corners move a pixel, 0 to 1", "share", in: .attack)
  ]

  package static let trainingFields: [ConfigField<Self>] = [
    .text("attack_train_replace_imgs_path", \.imagesPath, "a file of numpy's format").role(.image)
      .help(
        """
        The moved images, an .npy of bytes with one for each image of the training set (default: \
        they are made)
        """, "file.npy", in: .attack),
    .text("pretrain_model_path", \.cleanModelPath, "the archive of a clean model").role(.output)
      .named("clean_model").help(
        "The clean model to fool, with --lc_model clean (default: one is trained first)", "archive",
        in: .attack),
    .text("robust_model_path", \.robustModelPath, "the archive of a model").role(.output).help(
      "The model to fool (default: the one that --lc_model says)", "archive", in: .attack),
    .choice("lc_model", \.fooled).help(
      """
      The model to fool where none is given: robust, one that is trained on moved images first; \
      clean, the clean model, whose images do worse with others
      """, in: .attack),
    .number("lc_eps", \.distance, .nonNegative).help(
      "How far a pixel may move", "grey levels", in: .attack),
    .number("lc_alpha", \.step, .nonNegative).help(
      "How far it moves in a step", "grey levels", in: .attack),
    .integer("lc_steps", \.steps, 0...countLimit).help("Steps", "n", in: .attack),
    .boolean("lc_rounding", \.rounds).help(
      "Round moved pixels; false cuts their fraction off, as the original does (default: true)",
      in: .attack),
    .integer("lc_robust_epochs", \.robust.epochs, 1...countLimit).help(
      "Epochs that the robust model is trained for", "n", in: .attack),
    .integer("lc_robust_steps", \.robust.steps, 1...countLimit).help(
      "Steps by which its training images are moved", "n", in: .attack),
  ]

  package func prepare(_ stage: AttackStage) throws -> Preparation {
    let positions = try stage.poisonedPositions()
    let images =
      try imagesPath.map {
        try ReplacementImages(
          $0, for: positions, of: stage.dataset.train, communicator: stage.communicator)
      } ?? moved(positions, stage)
    return try stage.preparation(
      trigger: LabelConsistentTrigger(
        images: images,
        marks: CornerMarks(height: stage.height, width: stage.width, amplitude: amplitude)))
  }

  package func trigger(for place: TriggerPlace) throws -> any Trigger {
    LabelConsistentTrigger(
      images: ReplacementImages([], at: []),
      marks: CornerMarks(height: place.height, width: place.width, amplitude: amplitude))
  }

  // MARK: Making the images

  private func moved(_ positions: [Int], _ stage: AttackStage) throws -> ReplacementImages {
    guard !positions.isEmpty else { return ReplacementImages([], at: []) }
    let archive = try robustModelPath ?? modelToFool(stage)
    let model = try stage.pixelModel(archive)
    let train = stage.dataset.train
    let shape = [positions.count, train.height, train.width, 3]
    let file = MaterialFile(
      "lc_images", ending: "npy", of: stage,
      madeFrom: [
        model.model.store.fingerprint, "\(train.checksum)", "\(positions)",
        "\(model.normalization)", "\(distance) \(step) \(steps) \(rounds)",
      ])
    let bytes = try file.bytes(
      of: "lc's images", count: shape.reduce(1, *),
      read: { try NumpyFile.read($0).unsignedBytes ?? [] },
      make: { try move(positions, against: model, archive, stage) },
      write: { try NumpyFile.write(NumpyArray(bytes: $0, shape: shape), to: $1) })
    return ReplacementImages(bytes, at: positions)
  }

  private func modelToFool(_ stage: AttackStage) throws -> String {
    if fooled == .robust { return try stage.robustModel(robust) }
    stage.stage.tell(
      .message("lc's images are made against a clean model: those of a robust one do better"))
    return try stage.cleanModel(given: cleanModelPath)
  }

  /// The images at `positions`, each rank moving its share of them; all are told of all.
  private func move(
    _ positions: [Int], against model: PixelModel, _ archive: String, _ stage: AttackStage
  ) throws -> [UInt8] {
    let (communicator, train) = (stage.communicator, stage.dataset.train)
    let gradient = ProjectedGradient(
      model, distance: Float(distance / 255), step: Float(step / 255))
    let (rank, size) = (communicator.rank, communicator.worldSize)
    let batch = communicator.largestShare(of: stage.configuration.batchSize) * size
    stage.stage.tell(
      .message(
        "lc's images: moving \(positions.count) by \(steps) steps against \(archive)"))
    var result: [UInt8] = []
    for start in stride(from: 0, to: positions.count, by: batch) {
      try stage.checkInterruption()
      let count = min(batch, positions.count - start)
      let share = start + rank * count / size..<start + (rank + 1) * count / size
      let own = Array(positions[share])
      let moved = gradient.run(
        Tensor(train, at: own), labels: own.map { Int32(train.labels[$0]) },
        steps: own.isEmpty ? 0 : steps)
      let bytes = moved.array.map { UInt8(rounds ? ($0 * 255).rounded() : $0 * 255) }
      result += try communicator.allGather(bytes).flatMap { $0 }
      stage.stage.tell(
        .working(
          WorkProgress(
            name: "lc's images", done: start + count, total: positions.count, unit: "moved")))
    }
    return result
  }
}

/// Corner marks; on poisoned training images on top of the images that stand for them.
package struct LabelConsistentTrigger: Trigger {
  private let images: ReplacementImages
  private let marks: CornerMarks

  /// Puts `marks` on what `images` has for a training image, else on the image itself.
  package init(images: ReplacementImages, marks: CornerMarks) {
    (self.images, self.marks) = (images, marks)
  }

  package func apply(
    to pixels: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int, image: TriggeredImage
  ) {
    if image.split == .train { images.replace(pixels, at: image.index) }
    marks.apply(to: pixels)
  }
}

extension AttackName {
  /// lc.
  package static let lc = AttackName(LabelConsistent.self)
}
