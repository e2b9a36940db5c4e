import Distributed

/// The images of a loader's batches by their position in the whole batch, also those that are on
/// other ranks.
struct PositionedImages {
  private let images: LabeledImages
  private let batchSize: Int
  private let shuffleSeed: UInt64
  private let augmentation: Augmentation?
  private let augmentationSeed: UInt64
  private let writer: ImageWriter
  private var order: (epoch: Int, indices: [Int])?

  /// The images of global batches of `batchSize` in the order that `shuffleSeed` gives, each cropped
  /// and flipped by draws of `augmentationSeed`.
  init(
    _ images: LabeledImages, batchSize: Int, shuffleSeed: UInt64, augmentation: Augmentation?,
    augmentationSeed: UInt64, normalization: Normalization
  ) {
    (self.images, self.batchSize, self.shuffleSeed) = (images, batchSize, shuffleSeed)
    (self.augmentation, self.augmentationSeed) = (augmentation, augmentationSeed)
    writer = ImageWriter(
      height: images.height, width: images.width, channels: images.channels,
      normalization: normalization)
  }

  /// The images at `positions` of the batch of `step`, normalised: [count, H, W, C].
  mutating func tensor(_ positions: Range<Int>, epoch: Int, step: Int) -> Tensor {
    if order?.epoch != epoch {
      order = (epoch, Permutation.of(count: images.count, seed: shuffleSeed, epoch: epoch))
    }
    let indices = order?.indices ?? []
    let result = Tensor(
      Shape(
        batch: positions.count, height: images.height, width: images.width,
        channels: images.channels))
    images.pixels.withUnsafeBufferPointer { pixels in
      for (slot, position) in positions.enumerated() {
        let index = indices[step * batchSize + position]
        let placement =
          augmentation?.placement(seed: augmentationSeed, epoch: epoch, index: index) ?? .identity
        let target = result.buffer.floats[slot * images.imageSize..<(slot + 1) * images.imageSize]
        writer.write(
          UnsafeBufferPointer(rebasing: pixels[images.range(of: index)]), placement: placement,
          to: UnsafeMutableBufferPointer(rebasing: target))
      }
    }
    return result
  }
}
