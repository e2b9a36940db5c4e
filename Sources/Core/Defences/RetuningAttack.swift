import Distributed

/// ra: fine-tunes a purified model with a handful of triggered images among clean ones.
///
/// An attack success rate that comes back was hidden, not removed.
/// Min et al., Uncovering, Explaining, and Mitigating the Superficial Safety of Backdoor Defense,
/// NeurIPS 2024. The first `poison_num` of the clean images are replaced by triggered training images
/// with the attack's label. Each clean image is augmented once for all epochs, as in the original;
/// triggered ones are not.
package struct RetuningAttack: Defence {
  package static let name = "ra"
  package static let summary = "retuning attack: brings back a backdoor that was only hidden"
  package static let testsDefences = true

  /// What is tested, and where.
  var start = DefenceStart()
  /// The triggered images that are put among the clean ones.
  var triggeredCount = 5

  package init() {}

  package static let fields: [ConfigField<Self>] =
    DefenceStart.fields.map { $0.within(\.start) } + [
      .integer("poison_num", \.triggeredCount, 0...countLimit).help(
        "Triggered training images that take the places of clean ones", "n", in: .attack)
    ]

  package static func adjust(_ settings: inout DefendConfiguration) {
    (settings.shared.splitRatio, settings.shared.batchSize) = (0.02, 128)
    (settings.shared.epochs, settings.shared.weightDecay) = (5, 0)
    (settings.shared.schedule, settings.shared.randomSeed) = (.constant, 42)
  }

  package func place(_ settings: inout DefendConfiguration) throws {
    try start.place(&settings, method: Self.name, result: "relearn_result.pt")
  }

  package func purify(_ stage: DefenceStage) throws -> Purified {
    let triggered = try TriggeredTrainingImages(stage: stage).load()
    guard triggered.images.count > 0 || triggeredCount == 0 else {
      throw TriggeredImagesError.none
    }
    let count = min(triggeredCount, triggered.images.count, stage.images.count)
    let chosen = triggered.images.selecting(
      Permutation.of(count: triggered.images.count, seed: stage.shared.randomSeed, epoch: 0)
        .prefix(count).map { $0 })
    let clean = stage.augmentedOnce(stage.images)
    let images = Self.mixed(clean, with: chosen)
    var purified = Purified()
    let step = stage.classifierStep(stage.network, imageCount: images.count)
    purified.tables = [("ra_df.csv", try stage.train(step, on: images, augments: false))]
    purified.findings = ["retuned with \(count) triggered images among \(images.count)"]
    return purified
  }

  /// `clean` with `triggered` in the places of its first images.
  package static func mixed(
    _ clean: LabeledImages, with triggered: LabeledImages
  ) -> LabeledImages {
    var result = clean
    result.pixels.replaceSubrange(0..<triggered.pixels.count, with: triggered.pixels)
    result.labels.replaceSubrange(0..<triggered.count, with: triggered.labels)
    return result
  }
}

extension DefenceStage {
  /// `images`, each cropped and flipped as the dataset's training images are, once.
  func augmentedOnce(_ images: LabeledImages) -> LabeledImages {
    guard let augmentation = shared.augmentation else { return images }
    var result = images
    let (height, width, channels) = (images.height, images.width, images.channels)
    for index in 0..<images.count {
      let placement = augmentation.placement(seed: shared.randomSeed, epoch: 0, index: index)
      let start = images.range(of: index).lowerBound
      for y in 0..<height {
        for x in 0..<width {
          let row = y + placement.rowShift
          let column = (placement.isFlipped ? width - 1 - x : x) + placement.columnShift
          let isVisible = 0..<height ~= row && 0..<width ~= column
          for channel in 0..<channels {
            result.pixels[start + (y * width + x) * channels + channel] =
              isVisible ? images.pixels[start + (row * width + column) * channels + channel] : 0
          }
        }
      }
    }
    return result
  }
}
