import Distributed
import Foundation

/// One crop, one rotation and one mirroring for all images of a batch, on normalised values.
///
/// What comes from outside an image is 0, that is the mean colour. The rotation takes the nearest
/// pixel. What a batch gets depends on (seed, epoch, step) alone.
package struct BatchAugmentation: Equatable, Sendable {
  /// Zeros added on each side before the crop to the original size.
  package var padding = 5
  /// The largest angle either way, degrees.
  package var degrees = 10.0
  /// Whether half of the batches are mirrored left to right.
  package var mirrors = true
  /// The shares of the batches that are cropped and rotated, each for itself.
  package var cropShare = 0.8, rotationShare = 0.5

  /// One with `padding`, angles of up to `degrees` and mirroring where `mirrors` holds.
  package init(padding: Int = 5, degrees: Double = 10, mirrors: Bool = true) {
    (self.padding, self.degrees, self.mirrors) = (padding, degrees, mirrors)
  }

  /// What is done to one batch.
  package struct Placement: Equatable, Sendable {
    /// Row and column of the crop in the padded image; nil leaves the images where they are.
    package var crop: (top: Int, left: Int)?
    /// The rotation, degrees counter-clockwise; nil is none.
    package var angle: Double?
    /// Whether the images are mirrored at the end.
    package var isMirrored = false
    /// The padding that the crop is from.
    package var padding: Int

    /// A placement.
    package init(
      crop: (top: Int, left: Int)? = nil, angle: Double? = nil, isMirrored: Bool = false,
      padding: Int = 5
    ) {
      (self.crop, self.angle, self.isMirrored, self.padding) = (crop, angle, isMirrored, padding)
    }

    package static func == (one: Self, other: Self) -> Bool {
      one.crop?.top == other.crop?.top && one.crop?.left == other.crop?.left
        && one.angle == other.angle && one.isMirrored == other.isMirrored
        && one.padding == other.padding
    }
  }

  /// The placement of the batch of `step` in `epoch`.
  package func placement(seed: UInt64, epoch: Int, step: Int) -> Placement {
    var stream = RandomStream(seed: seed, purpose: .batchAugmentation, epoch: epoch, index: step)
    var placement = Placement(padding: padding)
    if stream.nextDouble() < cropShare {
      let top = stream.nextInt(below: 2 * padding + 1)
      placement.crop = (top, stream.nextInt(below: 2 * padding + 1))
    }
    if stream.nextDouble() < rotationShare {
      placement.angle = (2 * stream.nextDouble() - 1) * degrees
    }
    if mirrors { placement.isMirrored = stream.nextDouble() < 0.5 }
    return placement
  }
}

extension BatchAugmentation.Placement {
  /// The pixel that each pixel of an image of `height` x `width` is taken from; -1 is outside.
  package func sources(height: Int, width: Int) -> [Int] {
    let rotation = angle.map { Rotation(degrees: $0, height: height, width: width) }
    return (0..<height * width).map { pixel in
      var (row, column) = pixel.quotientAndRemainder(dividingBy: width)
      if isMirrored { column = width - 1 - column }
      if let rotation { (row, column) = rotation.source(row, column) }
      guard 0..<height ~= row, 0..<width ~= column else { return -1 }
      if let crop { (row, column) = (row + crop.top - padding, column + crop.left - padding) }
      guard 0..<height ~= row, 0..<width ~= column else { return -1 }
      return row * width + column
    }
  }

  /// Moves the pixels of `images` in place.
  func apply(to images: Tensor, pool: ThreadPool) {
    if crop == nil && angle == nil && !isMirrored { return }
    let (shape, channels) = (images.shape, images.shape.channels)
    let sources = sources(height: shape.height, width: shape.width)
    let size = shape.withBatch(1).count
    pool.forEachShare(of: shape.batch) { share, _ in
      for image in share {
        let target = images.pointer + image * size
        let before = Array(UnsafeBufferPointer(start: target, count: size))
        for (pixel, source) in sources.enumerated() {
          for c in 0..<channels {
            target[pixel * channels + c] = source < 0 ? 0 : before[source * channels + c]
          }
        }
      }
    }
  }
}

/// A rotation about the image's centre, in float32 as torchvision computes it on tensors.
private struct Rotation {
  private let size: (height: Float, width: Float)
  private let x, y: (x: Float, y: Float)

  init(degrees: Double, height: Int, width: Int) {
    let angle = -degrees * Double.pi / 180
    let (c, s) = (Float(Foundation.cos(angle)), Float(Foundation.sin(angle)))
    size = (Float(height), Float(width))
    x = (c / (0.5 * size.width), s / (0.5 * size.width))
    y = (-s / (0.5 * size.height), c / (0.5 * size.height))
  }

  /// Where the pixel at `row` and `column` comes from; it may lie outside.
  func source(_ row: Int, _ column: Int) -> (row: Int, column: Int) {
    let (right, down) = (
      Float(column) - (size.width - 1) / 2, Float(row) - (size.height - 1) / 2
    )
    let gx = right * x.x + down * x.y
    let gy = right * y.x + down * y.y
    return (
      Int((((gy + 1) * size.height - 1) / 2).rounded(.toNearestOrEven)),
      Int((((gx + 1) * size.width - 1) / 2).rounded(.toNearestOrEven))
    )
  }
}
