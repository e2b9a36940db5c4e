/// Images of one size with their labels, as 8-bit pixels in memory.
public struct LabeledImages: Sendable {
  /// The heights and widths that networks are built for: below, a map would have no pixel left.
  public static let sides = 8...1024

  /// Pixels of all images, one after the other: [count, height, width, channels], values 0...255.
  public var pixels: [UInt8]
  /// Class of each image, `0..<classNames.count`: [count].
  public var labels: [Int]
  /// Rows of an image.
  public let height: Int
  /// Columns of an image.
  public let width: Int
  /// Values of a pixel, in the order red, green, blue.
  public let channels: Int
  /// Names of the classes, by label.
  public let classNames: [String]

  /// Joins pixels and labels; the counts must agree.
  public init(
    pixels: [UInt8], labels: [Int], height: Int, width: Int, channels: Int = 3, classNames: [String]
  ) {
    precondition(
      pixels.count == labels.count * height * width * channels,
      "\(pixels.count) pixel values for \(labels.count) images of \(height)x\(width)x\(channels)")
    self.pixels = pixels
    self.labels = labels
    self.height = height
    self.width = width
    self.channels = channels
    self.classNames = classNames
  }

  /// The number of images.
  public var count: Int { labels.count }
  /// The number of values in one image: height x width x channels.
  public var imageSize: Int { height * width * channels }
  /// The number of classes.
  public var classCount: Int { classNames.count }

  /// The values of image `index` within `pixels`.
  public func range(of index: Int) -> Range<Int> {
    index * imageSize..<(index + 1) * imageSize
  }

  /// The images at `indices`, in that order.
  public func selecting(_ indices: [Int]) -> LabeledImages {
    var chosen: [UInt8] = []
    chosen.reserveCapacity(indices.count * imageSize)
    for index in indices { chosen.append(contentsOf: pixels[range(of: index)]) }
    return LabeledImages(
      pixels: chosen, labels: indices.map { labels[$0] }, height: height, width: width,
      channels: channels, classNames: classNames)
  }

  /// The images at `size`, each resized as `ImageResize` does on at most `threads` threads; the same
  /// where they have that size.
  func resized(to size: ImageSize, threads: Int? = nil) -> LabeledImages {
    guard size.height != height || size.width != width else { return self }
    precondition(channels == 3, "resizing images of \(channels) channels")
    let total = count * size.valueCount
    let resized = [UInt8](unsafeUninitializedCapacity: total) { buffer, filled in
      nonisolated(unsafe) let target = buffer
      ParallelLoop.forEach(count, threads: threads) { index in
        let image = RGBImage(pixels: Array(pixels[range(of: index)]), width: width, height: height)
        let result = ImageResize.bilinear(image, width: size.width, height: size.height)
        let start = index * size.valueCount
        _ = UnsafeMutableBufferPointer(rebasing: target[start..<start + size.valueCount])
          .initialize(fromContentsOf: result.pixels)
      }
      filled = total
    }
    return LabeledImages(
      pixels: resized, labels: labels, height: size.height, width: size.width,
      classNames: classNames)
  }
}
