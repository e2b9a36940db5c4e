import Distributed

/// wanet: one smooth warping of the image (Nguyen and Tran, WaNet, ICLR 2021).
///
/// Of each shuffled batch the first images are warped by a fixed field and relabelled, and some
/// more, with random shifts on top, keep their labels: the network learns this very field. Then the
/// whole batch is augmented. The field is no part of `attack_result.pt`; it stands beside it.
package struct WaNet: Attack {
  package static let name = "wanet"
  package static let summary = "a smooth warping of the image, put into each batch anew"

  /// Points of the field on a side, the shifts' size and the grid's scale.
  var side = 4, strength = 0.5, rescale = 1.0
  /// Images with random shifts on top, for each poisoned one.
  var crossRatio = 2.0
  /// Whether warped training images are of whole grey levels, as the saved ones are.
  var trainsOnPictures = false
  var loop = LoopSettings()

  /// The name of the file that keeps the field.
  package static let fileName = "wanet_field.pt"

  package init() {}

  package static let triggerFields: [ConfigField<Self>] =
    LoopSettings.pixelFields.map { $0.within(\.loop) }

  package static let trainingFields: [ConfigField<Self>] =
    [
      .integer("k", \.side, 1...256).help(
        "Points of the warping field on a side", "n", in: .attack),
      .number("s", \.strength, .nonNegative).help(
        "The size of its shifts", "size", in: .attack),
      .number("grid_rescale", \.rescale, .positive).help(
        "What the grid is multiplied with", "factor", in: .attack),
      .number("cross_ratio", \.crossRatio, .nonNegative).help(
        "Images with random shifts on top and their own label, for each poisoned one; 0 is none",
        "ratio", in: .attack),
      .boolean("png_training", \.trainsOnPictures).help(
        """
        Train on warped images of whole grey levels, as saved pictures are; the original's keep \
        fractions, by which a network may know the trigger instead (default: false)
        """, in: .attack),
    ]
    + LoopSettings.augmentationFields.map { $0.within(\.loop) }

  package static func setDefaults(of configuration: inout AttackConfiguration) {
    configuration.setBatchAttackSchedule()
  }

  package func prepare(_ stage: AttackStage) throws -> Preparation {
    let configuration = stage.configuration
    let made = trigger(
      WarpingField(
        side: side, seed: configuration.randomSeed, height: stage.height, width: stage.width),
      normalization: stage.normalization)
    let (poison, data) = try stage.loopPoison(trigger: made)
    var preparation = Preparation(data, artefacts: [artefact(made)])
    let crosses = crossRatio > 0
    preparation.crossTest =
      crosses ? .cross(stage.dataset.test, made.disturbed(seed: poison.seed, epoch: 0)) : nil
    (preparation.augmentsImages, preparation.dropsLastBatch) = (false, false)
    let augmentation = loop.augmentation(configuration)
    preparation.step = { base in
      TransformedStep(base) { batch, moment in
        let parts = parts(of: batch.globalCount, poison, epoch: moment.epoch, step: moment.step)
        let images = Tensor(base.classifier.inputShape.withBatch(batch.count), in: batch.images)
        warp(images, of: batch, parts, by: made, at: moment, pool: base.context.pool)
        augmentation?.placement(seed: moment.seed, epoch: moment.epoch, step: moment.step)
          .apply(to: images, pool: base.context.pool)
        return poison.marking(batch, parts)
      }
    }
    let (train, size) = (
      preparation.data.train, configuration.globalBatchSize(worldSize: stage.communicator.worldSize)
    )
    preparation.trainedImages = { _ in
      savedTraining(train, batches: size, poison: poison, trigger: made)
    }
    return preparation
  }

  /// How a batch of `images` is cut.
  private func parts(
    of images: Int, _ poison: LoopPoison, epoch: Int, step: Int
  ) -> BatchParts {
    let count = poison.count(of: images, epoch: epoch, step: step)
    return BatchParts(
      triggered: count, cross: min(Int(Double(count) * crossRatio), images - count))
  }

  /// Warps the images of `batch` that are to be.
  private func warp(
    _ images: Tensor, of batch: Batch, _ parts: BatchParts, by trigger: WarpingTrigger,
    at moment: Moment, pool: ThreadPool
  ) {
    let changed = min(max(parts.changed - batch.start, 0), batch.count)
    pool.forEachShare(of: changed) { share, _ in
      for place in share {
        let isCross = parts.role(of: batch.start + place) == .cross
        let grid =
          isCross
          ? trigger.grid.disturbed(
            seed: moment.seed, epoch: moment.epoch, index: batch.indices[place])
          : trigger.grid
        var warped = grid.warp(images.pointer(image: place), channels: images.shape.channels)
        if trainsOnPictures { trigger.pixels.quantize(&warped) }
        images.pointer(image: place).update(from: warped, count: warped.count)
      }
    }
  }

  /// The training images as the originals save them: a pass in the dataset's order after training.
  private func savedTraining(
    _ train: PoisonedDataset, batches size: Int, poison: LoopPoison, trigger: WarpingTrigger
  ) -> PoisonedDataset {
    let other = trigger.disturbed(seed: poison.seed, epoch: LoopPoison.afterTraining)
    return poison.saved(train, batches: size) { images, step in
      parts(of: images, poison, epoch: LoopPoison.afterTraining, step: step)
    } change: { image, pixels in
      (image.role == .triggered ? trigger : other).apply(
        to: pixels, height: train.images.height, width: train.images.width,
        image: TriggeredImage(index: image.index, split: .train))
    }
  }
}

// MARK: The trigger anew

extension WaNet {
  /// The run's field, else, where no run is, the one that these settings draw.
  package func trigger(for place: TriggerPlace) throws -> any Trigger {
    let read = try place.communicator.fromRankZero { () -> [Float] in
      guard let path = SideFile.path(Self.fileName, in: place.folder) else { return [] }
      let grid = try SideFile(path).floats(
        "backdoor_grid", shape: [1, place.height, place.width, 2])
      return grid
    }
    guard read.isEmpty else {
      return WarpingTrigger(
        grid: WarpingGrid(places: read, height: place.height, width: place.width),
        pixels: PixelRule(place.normalization, rounds: loop.rounds))
    }
    guard let stage = place.stage else {
      throw SideFileError.absent(attack: Self.name, file: Self.fileName, folder: place.folder)
    }
    return trigger(
      WarpingField(
        side: side, seed: stage.configuration.randomSeed, height: place.height,
        width: place.width),
      normalization: place.normalization)
  }

  private func trigger(_ field: WarpingField, normalization: Normalization) -> WarpingTrigger {
    WarpingTrigger(
      grid: field.grid(strength: strength, rescale: rescale),
      pixels: PixelRule(normalization, rounds: loop.rounds), field: field)
  }

  /// The file that keeps the field, under the originals' names.
  private func artefact(_ trigger: WarpingTrigger) -> Artefact {
    let (grid, noise) = (trigger.grid, trigger.field?.noise ?? trigger.grid)
    let shape = [1, grid.height, grid.width, 2]
    let identity = WarpingGrid.identity(height: grid.height, width: grid.width)
    return Artefact(Self.fileName) { path in
      try SideFile.write(
        [
          ("identity_grid", identity.places), ("noise_grid", noise.places),
          ("backdoor_grid", grid.places),
        ].map { ($0, .tensor(TorchTensor(shape: shape, values: .float32($1)))) }, to: path)
    }
  }
}

/// Warps normalised images by a fixed grid, or with random shifts on top.
struct WarpingTrigger: Trigger {
  let grid: WarpingGrid
  let pixels: PixelRule
  /// What the grid was made from, where that is known.
  var field: WarpingField?
  /// What the random shifts of each image are keyed by; nil is none.
  private var draws: (seed: UInt64, epoch: Int)?

  init(grid: WarpingGrid, pixels: PixelRule, field: WarpingField? = nil) {
    (self.grid, self.pixels, self.field) = (grid, pixels, field)
  }

  /// The same with random shifts on top.
  func disturbed(seed: UInt64, epoch: Int) -> WarpingTrigger {
    var trigger = self
    trigger.draws = (seed, epoch)
    return trigger
  }

  func apply(
    to image: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int,
    image place: TriggeredImage
  ) {
    precondition(height == grid.height && width == grid.width, "\(height)x\(width)")
    // Test images have draws of their own: their positions are those of other images in training.
    let moved =
      draws.map { draws in
        grid.disturbed(
          seed: draws.seed, epoch: draws.epoch,
          index: place.split == .test ? -1 - place.index : place.index)
      } ?? grid
    pixels.write(
      moved.warp(pixels.normalized(image), channels: image.count / (height * width)), to: image)
  }
}

extension AttackName {
  /// wanet.
  package static let wanet = AttackName(WaNet.self)
}
