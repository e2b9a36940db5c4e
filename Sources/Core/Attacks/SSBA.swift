import Distributed
import Foundation

/// ssba: an invisible string of bits, hidden in each image by an encoder (Li et al., Invisible
/// Backdoor Attack with Sample-Specific Triggers, ICCV 2021).
package struct SSBA: Attack {
  package static let name = "ssba"
  package static let summary = "an invisible string of bits, hidden in each image by an encoder"
  /// The name under which a run keeps its encoder.
  package static let fileName = "ssba_encoder.pt"
  /// The longest string.
  static let longestString = 4096

  /// The images that stand for the poisoned ones; nil makes them.
  package var trainPath: String?, testPath: String?
  /// How the encoder is trained.
  package var training = StegaSettings()

  package init() {}

  package static let triggerFields: [ConfigField<Self>] = [
    .text("attack_test_replace_imgs_path", \.testPath, "a file of numpy's format").role(.image)
      .help(
        "The triggered test images, an .npy of bytes with one for each image of the test set",
        "file.npy", in: .attack)
  ]

  package static let trainingFields: [ConfigField<Self>] = [
    .text("attack_train_replace_imgs_path", \.trainPath, "a file of numpy's format").role(.image)
      .help(
        """
        The poisoned images, an .npy of bytes with one for each image of the training set (default: \
        an encoder is trained and makes them)
        """, "file.npy", in: .attack),
    .integer("fingerprint_length", \.training.bits, 1...longestString).help(
      "Bits of the hidden string; the encoder of a longer one takes more steps", "n", in: .attack),
    .boolean("use_residual", \.training.addsResidual).help(
      """
      Train the encoder to yield what is added to an image; false, as in the original, the image \
      itself, which takes many more steps (default: true)
      """, in: .attack),
    .integer("ssba_steps", \.training.steps, 1...countLimit).help(
      "Steps of the encoder's training", "n", in: .attack),
    .integer("ssba_batch_size", \.training.batchSize, 1...countLimit).help(
      "Images of each of them, over all ranks", "n", in: .attack),
    .number("ssba_lr", \.training.learningRate, .positive).help(
      "Its learning rate", "rate", in: .attack),
    .number("l2_loss_weight", \.training.imageWeight, .nonNegative).help(
      "What the images' squared error counts in the end", "factor", in: .attack),
    .integer("l2_loss_await", \.training.wait, 0...countLimit).help(
      "Steps from the first batch with nine in ten bits right until it begins to count", "n",
      in: .attack),
    .integer("l2_loss_ramp", \.training.ramp, 1...countLimit).help(
      "Steps from there until it counts in full", "n", in: .attack),
  ]

  package func prepare(_ stage: AttackStage) throws -> Preparation {
    let (train, test) = (stage.dataset.train, stage.dataset.test)
    let positions = (
      train: try stage.poisonedPositions(), test: try stage.testedPositions()
    )
    if let trainPath, let testPath {
      return try stage.preparation(
        trigger: ReplacementTrigger(
          train: ReplacementImages(
            trainPath, for: positions.train, of: train, communicator: stage.communicator),
          test: ReplacementImages(
            testPath, for: positions.test, of: test, communicator: stage.communicator)))
    }
    guard trainPath == nil && testPath == nil else {
      throw ConfigError.missing(
        key: trainPath == nil ? "attack_train_replace_imgs_path" : "attack_test_replace_imgs_path",
        expected: "a file, as for the other of both sets")
    }
    let coder = try coder(stage)
    let trigger = ReplacementTrigger(
      train: try stage.encoded(train, at: positions.train, by: coder),
      test: try stage.encoded(test, at: positions.test, by: coder))
    let entries = coder.entries
    return try stage.preparation(
      trigger: trigger,
      artefacts: [Artefact(Self.fileName) { try SideFile.write(entries, to: $0) }])
  }

  /// The images that are given, else what the run's own encoder makes.
  package func trigger(for place: TriggerPlace) throws -> any Trigger {
    if let testPath {
      return ReplacementTrigger(
        train: ReplacementImages([], at: []),
        test: try ReplacementImages(testPath, place))
    }
    let context = ComputeContext(threads: ThreadCount.resolve(requested: nil))
    return try place.communicator.together {
      guard let path = SideFile.path(Self.fileName, in: place.folder) else {
        throw SideFileError.absent(
          attack: Self.name, file: Self.fileName, folder: place.folder)
      }
      return StegaTrigger(
        try StegaCoder(path, height: place.height, width: place.width, context: context))
    }
  }

  /// The encoder, trained or found again, on all ranks.
  private func coder(_ stage: AttackStage) throws -> StegaCoder {
    let configuration = stage.configuration
    let coder = try StegaCoder(
      training, height: stage.height, width: stage.width, seed: configuration.randomSeed,
      context: ComputeContext(threads: ThreadCount.resolve(requested: configuration.threads)))
    let file = MaterialFile(
      "ssba_encoder", ending: "pt", of: stage,
      madeFrom: [
        "\(stage.dataset.train.checksum)", "\(configuration.randomSeed)", "\(training)",
      ])
    let parameters = try file.bytes(
      of: "ssba's encoder", count: coder.parameters.count,
      read: {
        try StegaCoder(
          $0, height: stage.height, width: stage.width, context: coder.context
        ).parameters
      },
      make: {
        try train(coder, stage)
        return coder.parameters
      },
      write: { try SideFile.write(coder.entries, to: $1) })
    coder.take(parameters)
    return coder
  }
}

extension AttackName {
  /// ssba.
  package static let ssba = AttackName(SSBA.self)
}

// MARK: Training the encoder

extension SSBA {
  private func train(_ coder: StegaCoder, _ stage: AttackStage) throws {
    let (images, communicator) = (stage.dataset.train, stage.communicator)
    let seed = stage.configuration.randomSeed
    let run = StegaTraining(
      encoder: coder.encoder, decoder: coder.decoder, settings: training,
      communicator: communicator, context: coder.context)
    let sampler = ShardedSampler(
      count: images.count, batchSize: min(training.batchSize, images.count), shuffleSeed: seed,
      dropLast: true, worldSize: communicator.worldSize, rank: communicator.rank)
    stage.stage.tell(
      .message(
        "ssba trains an encoder of \(training.bits) bits on \(images.count) images: "
          + "\(training.steps) steps of \(sampler.batchSize)"))
    var order: [Int] = []
    for step in 0..<training.steps {
      try stage.checkInterruption()
      let (epoch, within) = step.quotientAndRemainder(dividingBy: sampler.stepsPerEpoch)
      if within == 0 { order = sampler.order(epoch: epoch) }
      let range = sampler.localRange(step: within)
      let own = order[range]
      let outcome = try run.step(
        strings(own, seed: seed, epoch: epoch), Tensor(images, at: own),
        globalCount: sampler.batchSize, start: range.lowerBound - within * sampler.batchSize)
      stage.stage.tell(
        .working(
          WorkProgress(
            name: "ssba's encoder, " + outcome.words(weight: run.imageWeight), key: "ssba",
            done: step + 1, total: training.steps, unit: "steps")))
    }
    try judge(coder, isRampedUp: run.isRampedUp, stage)
  }

  /// Random strings, one for each image.
  private func strings(_ images: ArraySlice<Int>, seed: UInt64, epoch: Int) -> Tensor {
    let strings = Tensor(
      Shape(batch: images.count, height: 1, width: 1, channels: training.bits))
    for (slot, index) in images.enumerated() {
      var stream = RandomStream(seed: seed, purpose: .fingerprints, epoch: epoch, index: index)
      for place in slot * training.bits..<(slot + 1) * training.bits {
        strings.pointer[place] = Float(stream.nextInt(below: 2))
      }
    }
    return strings
  }

  /// Says how well the string is read and how well it is hidden, by test images.
  private func judge(_ coder: StegaCoder, isRampedUp: Bool, _ stage: AttackStage) throws {
    guard stage.communicator.rank == 0 else { return }
    let test = stage.dataset.test
    let positions = Array(0..<min(test.count, 100))
    let bytes = coder.encoded(test, at: positions)
    let shape = Shape(
      batch: positions.count, height: test.height, width: test.width, channels: 3)
    let accuracy = coder.bitAccuracy(bytes, shape: shape)
    let squares = zip(bytes, test.pixels).reduce(0.0) {
      $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
    }
    let error = squares / Double(max(bytes.count, 1)) / (255 * 255)
    let words = String(
      format: "ssba's encoder: %.3f of the string's bits are read from test images, PSNR %.1f dB",
      accuracy, -10 * log10(max(error, 1e-12)))
    let isGood = accuracy > 0.9 && isRampedUp
    stage.stage.tell(
      isGood
        ? .message(words)
        : .warning("\(words): more --ssba_steps or a smaller --fingerprint_length do better"))
  }
}

extension StegaTraining.Outcome {
  fileprivate func words(weight: Double) -> String {
    String(
      format: "%.3f of the bits are right, PSNR %.1f dB, images count %.1f", bitAccuracy,
      -10 * log10(max(squaredError, 1e-12)), weight)
  }
}

// MARK: Triggers

/// Images in the places of a dataset's own.
struct ReplacementTrigger: Trigger {
  let train: ReplacementImages, test: ReplacementImages

  func apply(
    to pixels: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int, image: TriggeredImage
  ) {
    (image.split == .train ? train : test).replace(pixels, at: image.index)
  }
}

/// What an encoder makes of each image; it owns the encoder, which one thread at a time uses.
final class StegaTrigger: Trigger, @unchecked Sendable {
  private let coder: StegaCoder
  private let lock = NSLock()

  init(_ coder: StegaCoder) { self.coder = coder }

  func apply(
    to pixels: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int, image: TriggeredImage
  ) {
    let one = LabeledImages(
      pixels: Array(pixels), labels: [0], height: height, width: width, classNames: ["0"])
    _ = pixels.update(fromContentsOf: lock.withLock { coder.encoded(one, at: [0]) })
  }

  func apply(
    to images: inout LabeledImages, at positions: [Int], split: DatasetSplit, indices: [Int]?
  ) {
    let bytes = lock.withLock { coder.encoded(images, at: positions) }
    for (slot, position) in positions.enumerated() {
      images.pixels.replaceSubrange(
        images.range(of: position),
        with: bytes[slot * images.imageSize..<(slot + 1) * images.imageSize])
    }
  }
}

extension AttackStage {
  /// What `coder` makes of the images at `positions`, each rank of its share; all have all.
  fileprivate func encoded(
    _ images: LabeledImages, at positions: [Int], by coder: StegaCoder
  ) throws -> ReplacementImages {
    let (rank, size) = (communicator.rank, communicator.worldSize)
    let share = positions.count * rank / size..<positions.count * (rank + 1) / size
    let own = coder.encoded(images, at: Array(positions[share])) {
      stage.tellTriggering($0, of: share.count)
    }
    return ReplacementImages(try communicator.allGather(own).flatMap { $0 }, at: positions)
  }

  /// The test images that measure the attack, by their positions.
  fileprivate func testedPositions() throws -> [Int] {
    let test = dataset.test
    let labels = try LabelTransform(
      configuration.labelTransform, target: configuration.attackTarget,
      classCount: test.classCount)
    return test.labels.indices.filter { labels.isTested(test.labels[$0]) }
  }
}
