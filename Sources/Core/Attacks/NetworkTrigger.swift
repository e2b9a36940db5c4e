import Distributed
import Foundation

/// A trigger that networks make of each image.
///
/// `@unchecked`: the networks, which own the memory that they answer in, are asked under a lock.
final class NetworkTrigger: Trigger, @unchecked Sendable {
  private let pixels: PixelRule
  private let change: (Tensor) -> Void
  private let lock = NSLock()

  /// Images asked about at once.
  private static let chunk = 50

  /// A trigger that `change` puts into normalised images: [N, H, W, C].
  init(pixels: PixelRule, change: @escaping (Tensor) -> Void) {
    (self.pixels, self.change) = (pixels, change)
  }

  func apply(
    to image: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int,
    image place: TriggeredImage
  ) {
    let channels = image.count / (height * width)
    let tensor = Tensor(
      Shape(batch: 1, height: height, width: width, channels: channels),
      in: FloatBuffer(pixels.normalized(image)))
    lock.withLock { change(tensor) }
    pixels.write(tensor.array, to: image)
  }

  func apply(
    to images: inout LabeledImages, at positions: [Int], split: DatasetSplit, indices: [Int]?
  ) {
    for start in stride(from: 0, to: positions.count, by: Self.chunk) {
      let part = Array(positions[start..<min(start + Self.chunk, positions.count)])
      let tensor = images.normalized(part, by: pixels)
      lock.withLock { change(tensor) }
      images.write(tensor, at: part, by: pixels)
    }
  }
}

extension LabeledImages {
  /// The images at `positions` as a model gets them: [count, H, W, C].
  func normalized(_ positions: [Int], by rule: PixelRule) -> Tensor {
    let tensor = Tensor(
      Shape(batch: positions.count, height: height, width: width, channels: channels))
    for (slot, position) in positions.enumerated() {
      let (from, to) = (range(of: position).lowerBound, slot * imageSize)
      for value in 0..<imageSize {
        tensor.pointer[to + value] = rule.normalized(
          pixels[from + value], channel: value % channels)
      }
    }
    return tensor
  }

  /// Replaces the images at `positions` by normalised ones.
  mutating func write(_ tensor: Tensor, at positions: [Int], by rule: PixelRule) {
    let (size, channels) = (imageSize, channels)
    for (slot, position) in positions.enumerated() {
      let to = range(of: position).lowerBound
      for value in 0..<size {
        pixels[to + value] = rule.byte(
          tensor.pointer[slot * size + value], channel: value % channels)
      }
    }
  }
}

/// Pictures that networks make of images, shared out among the ranks.
struct SharedPictures {
  let stage: Stage
  let pixels: PixelRule

  /// Images asked about at once.
  private static let chunk = 50
  private var communicator: any Communicator { stage.communicator }

  /// `images` with those at `positions` replaced by what `change` makes of them, which gets their
  /// places in `positions` and the normalised images; the same on all ranks.
  func changing(
    _ images: LabeledImages, at positions: [Int], _ change: (_ places: Range<Int>, Tensor) -> Void
  ) throws -> LabeledImages {
    let (world, rank) = (communicator.worldSize, communicator.rank)
    let own = positions.count * rank / world..<positions.count * (rank + 1) / world
    var changed = images
    for start in stride(from: own.lowerBound, to: own.upperBound, by: Self.chunk) {
      let places = start..<min(start + Self.chunk, own.upperBound)
      let tensor = images.normalized(Array(positions[places]), by: pixels)
      change(places, tensor)
      changed.write(tensor, at: Array(positions[places]), by: pixels)
      stage.tellTriggering(places.upperBound - own.lowerBound, of: own.count)
    }
    let mine = positions[own].flatMap { changed.pixels[changed.range(of: $0)] }
    let all = try communicator.allGather(mine).joined()
    for (position, bytes) in zip(positions, all.chunks(of: images.imageSize)) {
      changed.pixels.replaceSubrange(changed.range(of: position), with: bytes)
    }
    return changed
  }
}

extension Sequence<UInt8> {
  /// The bytes in pieces of `size`.
  fileprivate func chunks(of size: Int) -> [ArraySlice<UInt8>] {
    let bytes = Array(self)
    return stride(from: 0, to: bytes.count, by: size).map { bytes[$0..<$0 + size] }
  }
}

extension Stage {
  /// Tells how many of rank 0's `total` images a network has put its trigger into.
  func tellTriggering(_ done: Int, of total: Int) {
    tell(
      .working(WorkProgress(name: "put the trigger in", done: done, total: total, unit: "images")))
  }
}
