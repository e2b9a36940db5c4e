/// A pattern that an attack puts into images; stateless, so equal images get equal results.
public protocol Trigger: Sendable {
  /// The attack's name, as on the command line.
  var name: String { get }

  /// Changes one image in place: [height, width, 3], values 0...255.
  func apply(
    to pixels: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int, split: DatasetSplit)
}

extension Trigger {
  /// Changes the images at `positions` of `images` in place.
  public func apply(to images: inout LabeledImages, at positions: [Int], split: DatasetSplit) {
    let (size, height, width) = (images.imageSize, images.height, images.width)
    images.pixels.withUnsafeMutableBufferPointer { pixels in
      for position in positions {
        let image = pixels[position * size..<(position + 1) * size]
        apply(
          to: UnsafeMutableBufferPointer(rebasing: image), height: height, width: width,
          split: split)
      }
    }
  }
}
