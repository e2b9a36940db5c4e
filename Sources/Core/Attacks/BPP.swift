import Distributed

/// bpp: fewer colours, dithered if wanted (Wang et al., BppAttack, CVPR 2022).
///
/// Of each shuffled batch the first images are squeezed to a few levels and relabelled, and some
/// more, with what the squeeze adds to another image, keep their labels. Then the whole batch is
/// augmented. The originals keep those residuals as 100,000 pictures; here they are computed.
package struct BPP: Attack {
  package static let name = "bpp"
  package static let summary = "fewer colours, put into each batch anew"

  /// What a test image that is like a triggered one carries.
  enum CrossResidual: String, CaseIterable, Sendable {
    /// The residual subtracted, without bounds: the originals' sign is another than in training, and
    /// bytes wrap around.
    case original
    /// The residual added and clamped, as in training.
    case corrected
  }

  /// The levels of a colour, and whether errors are passed on.
  var levels = 8, dithers = false
  /// The share of each batch that carries another image's residual.
  var negativeRatio = 0.1
  var crossResidual = CrossResidual.original
  var loop = LoopSettings()

  package init() {}

  package static let triggerFields: [ConfigField<Self>] =
    [
      .integer("squeeze_num", \.levels, 2...256).help(
        "Levels that are left of each colour", "levels", in: .attack),
      .boolean("dithering", \.dithers).help(
        "Pass the error of each pixel on to its neighbours", in: .attack),
    ] + LoopSettings.pixelFields.map { $0.within(\.loop) }

  package static let trainingFields: [ConfigField<Self>] =
    [
      .number("neg_ratio", \.negativeRatio, .share).help(
        "The share of each batch that carries another image's residual and keeps its label, 0 to 1",
        "share", in: .attack),
      .choice("cross_residual", \.crossResidual).help(
        """
        What test images that are like triggered ones carry: original, the residual subtracted, \
        where bytes wrap around; corrected, added and clamped as in training
        """, in: .attack),
    ] + LoopSettings.augmentationFields.map { $0.within(\.loop) }

  package static func setDefaults(of configuration: inout AttackConfiguration) {
    configuration.setBatchAttackSchedule()
  }

  package func trigger(for place: TriggerPlace) throws -> any Trigger {
    SqueezeTrigger(
      images(place.normalization, height: place.height, width: place.width))
  }

  private func images(_ normalization: Normalization, height: Int, width: Int) -> SqueezedImages {
    SqueezedImages(
      ColourSqueeze(levels: levels, dithers: dithers),
      pixels: PixelRule(normalization, rounds: loop.rounds), height: height, width: width)
  }

  package func prepare(_ stage: AttackStage) throws -> Preparation {
    let configuration = stage.configuration
    let made = images(stage.normalization, height: stage.height, width: stage.width)
    let (poison, data) = try stage.loopPoison(trigger: SqueezeTrigger(made))
    let size = configuration.globalBatchSize(worldSize: stage.communicator.worldSize)
    var preparation = Preparation(data)
    preparation.crossTest = .cross(
      data.cleanTest,
      ResidualTrigger(
        made, residuals: residuals(of: data.cleanTest, poison, batches: size),
        isRight: crossResidual == .corrected))
    (preparation.augmentsImages, preparation.dropsLastBatch) = (false, false)
    let (augmentation, train) = (loop.augmentation(configuration), data.train)
    preparation.step = { base in
      TransformedStep(base) { batch, moment in
        let parts = parts(of: batch.globalCount, poison, epoch: moment.epoch, step: moment.step)
        let images = Tensor(base.classifier.inputShape.withBatch(batch.count), in: batch.images)
        let residuals = BatchResiduals(
          seed: poison.seed, epoch: moment.epoch, step: moment.step, count: batch.globalCount,
          of: train.images.count)
        change(images, of: batch, parts, made, pool: base.context.pool) {
          made.residual(of: residuals.indices[$0], in: train.images)
        }
        augmentation?.placement(seed: moment.seed, epoch: moment.epoch, step: moment.step)
          .apply(to: images, pool: base.context.pool)
        return poison.marking(batch, parts)
      }
    }
    preparation.trainedImages = { _ in
      savedTraining(train, batches: size, poison: poison, images: made)
    }
    return preparation
  }

  /// How a batch of `images` is cut; where none is poisoned, none carries a residual either.
  private func parts(
    of images: Int, _ poison: LoopPoison, epoch: Int, step: Int
  ) -> BatchParts {
    let count = poison.count(of: images, epoch: epoch, step: step)
    let negatives = Int(Double(images) * negativeRatio)
    return BatchParts(triggered: count, cross: count > 0 ? min(negatives, images - count) : 0)
  }

  /// Changes the images of `batch` that are to be; `residual` is that of the n-th negative one.
  private func change(
    _ images: Tensor, of batch: Batch, _ parts: BatchParts, _ made: SqueezedImages,
    pool: ThreadPool, residual: (Int) -> [Float]
  ) {
    let changed = min(max(parts.changed - batch.start, 0), batch.count)
    pool.forEachShare(of: changed) { share, _ in
      for place in share {
        let image = images.pointer(image: place)
        let position = batch.start + place
        let values =
          parts.role(of: position) == .triggered
          ? made.squeezed(image)
          : made.negative(image, residual: residual(position - parts.triggered))
        image.update(from: values, count: values.count)
      }
    }
  }

  /// Whose residual each test image carries: other ones in each batch of `size`.
  private func residuals(
    of test: LabeledImages, _ poison: LoopPoison, batches size: Int
  ) -> [Int] {
    stride(from: 0, to: test.count, by: size).flatMap { start in
      BatchResiduals(
        seed: poison.seed, epoch: LoopPoison.afterTraining - 1, step: start / size,
        count: min(size, test.count - start), of: test.count, repeats: 1
      ).indices
    }
  }

  /// The training images as the originals save them: a pass in the dataset's order after training,
  /// on whole values where a residual is added.
  private func savedTraining(
    _ train: PoisonedDataset, batches size: Int, poison: LoopPoison, images made: SqueezedImages
  ) -> PoisonedDataset {
    let epoch = LoopPoison.afterTraining
    return poison.saved(train, batches: size) { images, step in
      let count = poison.count(of: images, epoch: epoch, step: step)
      return BatchParts(
        triggered: count, cross: min(Int(Double(images) * negativeRatio), images - count))
    } change: { image, pixels in
      let normalized = made.pixels.normalized(pixels)
      if image.role == .triggered {
        return made.pixels.write(made.squeezed(normalized), to: pixels)
      }
      let residuals = BatchResiduals(
        seed: poison.seed, epoch: epoch, step: image.step,
        count: min(size, train.images.count - image.step * size), of: train.images.count)
      let place = residuals.indices[image.position - image.firstCross]
      made.pixels.write(
        made.negative(
          normalized, residual: made.residual(of: place, in: train.images), rounds: true),
        to: pixels)
    }
  }
}

/// Whose residuals the images of a batch carry, drawn without repetition from the images several
/// times over.
private struct BatchResiduals {
  /// Positions of images, one for each image of the batch.
  let indices: [Int]

  init(seed: UInt64, epoch: Int, step: Int, count: Int, of images: Int, repeats: Int = 5) {
    var stream = RandomStream(seed: seed, purpose: .residuals, epoch: epoch, index: step)
    var taken: Set<Int> = []
    var drawn: [Int] = []
    while drawn.count < count {
      let index = stream.nextInt(below: images * repeats)
      if taken.insert(index).inserted { drawn.append(index % images) }
    }
    indices = drawn
  }
}

extension SqueezedImages {
  /// The residual of image `index`.
  fileprivate func residual(of index: Int, in images: LabeledImages) -> [Float] {
    images.pixels.withUnsafeBufferPointer {
      residual(UnsafeBufferPointer(rebasing: $0[images.range(of: index)]))
    }
  }
}

/// Squeezes pictures.
private struct SqueezeTrigger: Trigger {
  let images: SqueezedImages

  init(_ images: SqueezedImages) { self.images = images }

  func apply(
    to pixels: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int, image: TriggeredImage
  ) {
    _ = pixels.update(fromContentsOf: images.squeezedPicture(UnsafeBufferPointer(pixels)))
  }
}

/// Gives each picture the residual of another one of its set.
private struct ResidualTrigger: Trigger {
  let images: SqueezedImages
  /// Whose residual each picture gets.
  let residuals: [Int]
  let isRight: Bool

  init(_ images: SqueezedImages, residuals: [Int], isRight: Bool) {
    (self.images, self.residuals, self.isRight) = (images, residuals, isRight)
  }

  func apply(
    to set: inout LabeledImages, at positions: [Int], split: DatasetSplit, indices: [Int]?
  ) {
    let before = set
    for position in positions {
      let residual = images.residual(of: residuals[position], in: before)
      let range = set.range(of: position)
      let picture = before.pixels.withUnsafeBufferPointer {
        images.crossPicture(
          UnsafeBufferPointer(rebasing: $0[range]), residual: residual, isRight: isRight)
      }
      set.pixels.replaceSubrange(range, with: picture)
    }
  }

  func apply(
    to pixels: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int, image: TriggeredImage
  ) { preconditionFailure("a residual is one of a whole set") }
}

extension AttackName {
  /// bpp.
  package static let bpp = AttackName(BPP.self)
}
