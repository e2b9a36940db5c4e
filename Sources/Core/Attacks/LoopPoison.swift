/// Which images of a batch an attack poisons inside the training loop: the first ones of the
/// shuffled batch, of any class, the target's own included.
///
/// A batch on several ranks is one batch: positions are counted over all of them.
package struct LoopPoison: Sendable {
  /// The share of the images that is poisoned.
  let ratio: Double
  /// How labels of poisoned images change.
  let labels: LabelTransform
  /// What draws are keyed by.
  let seed: UInt64

  /// The epoch that draws for the saved training images are keyed by.
  static let afterTraining = -1

  /// A poison of this share, relabelling and seed.
  package init(ratio: Double, labels: LabelTransform, seed: UInt64) {
    (self.ratio, self.labels, self.seed) = (ratio, labels, seed)
  }

  /// The poison of `configuration` for images of `classCount` classes; throws `PoisonError`.
  init(_ configuration: AttackConfiguration, classCount: Int) throws {
    self.init(
      ratio: configuration.poisonRatio,
      labels: try LabelTransform(
        configuration.labelTransform, target: configuration.attackTarget, classCount: classCount),
      seed: configuration.randomSeed)
  }

  /// The images poisoned in a batch of `images`: their share without its fraction; where it is less
  /// than one image, one image with that probability.
  package func count(of images: Int, epoch: Int, step: Int) -> Int {
    let wanted = ratio * Double(images)
    if wanted >= 1 { return Int(wanted) }
    var stream = RandomStream(seed: seed, purpose: .batchPoison, epoch: epoch, index: step)
    return stream.nextDouble() < wanted ? 1 : 0
  }

  /// `batch` with the roles and labels of `parts`, its pixels as they are.
  func marking(_ batch: Batch, _ parts: BatchParts) -> Batch {
    let roles = (0..<batch.count).map { parts.role(of: batch.start + $0) }
    let labels = zip(batch.labels, roles).map { label, role in
      role == .triggered ? Int32(self.labels(Int(label))) : label
    }
    return batch.relabelled(labels, roles: roles, images: batch.images)
  }

  /// What becomes of `clean`, in its order and in batches of `size`, as `parts` says of each.
  ///
  /// Poisoned images and those that are like them are marked alike, as in the originals; `change` is
  /// called with each of both, its place in its batch and its pixels.
  func saved(
    _ clean: PoisonedDataset, batches size: Int,
    parts: (_ images: Int, _ step: Int) -> BatchParts,
    change: (_ image: SavedImage, _ pixels: UnsafeMutableBufferPointer<UInt8>) -> Void
  ) -> PoisonedDataset {
    var images = clean.images
    var isPoisoned = [Bool](repeating: false, count: images.count)
    let bytes = images.imageSize
    for start in stride(from: 0, to: images.count, by: size) {
      let step = start / size
      let parts = parts(min(size, images.count - start), step)
      for position in 0..<min(parts.changed, images.count - start) {
        let index = start + position
        let role = parts.role(of: position)
        isPoisoned[index] = true
        if role == .triggered { images.labels[index] = labels(images.labels[index]) }
        images.pixels.withUnsafeMutableBufferPointer { pixels in
          change(
            SavedImage(
              index: index, step: step, position: position, role: role,
              firstCross: parts.triggered),
            UnsafeMutableBufferPointer(rebasing: pixels[index * bytes..<(index + 1) * bytes]))
        }
      }
    }
    return PoisonedDataset(
      images: images, originalLabels: clean.originalLabels, isPoisoned: isPoisoned,
      originalIndices: clean.originalIndices)
  }
}

/// A training image as it is saved after training.
struct SavedImage {
  /// Its position in the training set.
  let index: Int
  /// Its batch, and its position there.
  let step: Int, position: Int
  /// What is done to it.
  let role: ImageRole
  /// The position of its batch's first image that is like a poisoned one.
  let firstCross: Int
}

/// How a batch is cut: poisoned images, then those that are like them, then clean ones.
struct BatchParts: Equatable, Sendable {
  /// Poisoned images.
  var triggered: Int
  /// Images that are like them and keep their labels.
  var cross: Int

  /// All that are changed.
  var changed: Int { triggered + cross }

  /// What is done to the image at `position` of the whole batch.
  func role(of position: Int) -> ImageRole {
    position < triggered ? .triggered : position < changed ? .cross : .clean
  }
}

/// What attacks that poison batches have in common.
struct LoopSettings: Equatable, Sendable {
  /// The padding of the batches' crop, pixels.
  var padding = 5
  /// The largest rotation of a batch, degrees.
  var degrees = 10.0
  /// Whether saved pictures are rounded and clamped.
  var rounds = false

  /// How whole batches are augmented; nil is not at all.
  func augmentation(_ configuration: AttackConfiguration) -> BatchAugmentation? {
    guard configuration.augment else { return nil }
    return BatchAugmentation(
      padding: padding, degrees: degrees, mirrors: configuration.dataset == DatasetKind.cifar10.name
    )
  }
}

extension LoopSettings {
  /// The keys of a batch's augmentation.
  static let augmentationFields: [ConfigField<Self>] = [
    .integer("random_crop", \.padding, 0...64).help(
      "Padding, in pixels, of the crop that each batch gets as a whole", "pixels", in: .attack),
    .number("random_rotation", \.degrees, .nonNegative).help(
      "The largest rotation that each batch gets as a whole", "degrees", in: .attack),
  ]

  /// How pictures are saved.
  static let pixelFields: [ConfigField<Self>] = [
    .boolean("png_rounding", \.rounds).help(
      """
      Round and clamp saved pictures to whole grey levels; the originals cut the fraction off, and \
      what lies outside 0 to 255 wraps around (default: false)
      """, in: .attack)
  ]
}

extension AttackConfiguration {
  /// Sets the learning rate's fall to the originals' for attacks that poison batches: a tenth after
  /// each 100 epochs.
  mutating func setBatchAttackSchedule() {
    (schedule, milestones, gamma) = (.multiStep, [100, 200, 300, 400], 0.1)
  }
}

extension PoisonedDataset {
  /// All of `clean` as what is like the trigger makes them; they keep their labels.
  static func cross(_ clean: LabeledImages, _ trigger: any Trigger) -> PoisonedDataset {
    var images = clean
    trigger.apply(to: &images, at: Array(0..<clean.count), split: .test, indices: nil)
    return PoisonedDataset(
      images: images, originalLabels: clean.labels,
      isPoisoned: [Bool](repeating: true, count: clean.count),
      originalIndices: Array(0..<clean.count))
  }
}

extension AttackStage {
  /// The poison of a run that poisons batches, and its data.
  ///
  /// Training images stay as they are; test images carry `trigger`, or there are none without one.
  /// Ranks fail together, with one message.
  func loopPoison(
    trigger: (any Trigger)?
  ) throws -> (poison: LoopPoison, data: AttackData) {
    try communicator.together {
      (
        try LoopPoison(configuration, classCount: dataset.train.classCount),
        try AttackData(
          configuration, dataset: dataset, trigger: trigger, poisonsTraining: false)
      )
    }
  }
}
