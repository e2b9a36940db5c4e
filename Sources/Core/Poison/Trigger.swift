/// The image that a trigger is put into.
public struct TriggeredImage: Sendable {
  /// Its position in its dataset.
  public var index: Int
  /// Its class before the attack.
  public var label: Int
  /// The part of the dataset that it is of.
  public var split: DatasetSplit

  /// An image of a dataset.
  public init(index: Int = 0, label: Int = 0, split: DatasetSplit) {
    (self.index, self.label, self.split) = (index, label, split)
  }
}

/// A pattern that an attack puts into images; stateless, so equal images get equal results.
public protocol Trigger: Sendable {
  /// Changes one image in place: [height, width, 3], values 0...255.
  func apply(
    to pixels: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int, image: TriggeredImage)

  /// Changes the images at `positions` of `images` in place, whose positions in their dataset are
  /// `indices`, where that is not the same.
  func apply(
    to images: inout LabeledImages, at positions: [Int], split: DatasetSplit, indices: [Int]?)
}

extension Trigger {
  /// One image after the other.
  public func apply(
    to images: inout LabeledImages, at positions: [Int], split: DatasetSplit,
    indices: [Int]? = nil
  ) {
    let (size, height, width, labels) = (
      images.imageSize, images.height, images.width, images.labels
    )
    images.pixels.withUnsafeMutableBufferPointer { pixels in
      for position in positions {
        let image = pixels[position * size..<(position + 1) * size]
        apply(
          to: UnsafeMutableBufferPointer(rebasing: image), height: height, width: width,
          image: TriggeredImage(
            index: indices?[position] ?? position, label: labels[position], split: split))
      }
    }
  }
}
