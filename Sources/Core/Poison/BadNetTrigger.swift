/// A patch that replaces pixels (Gu et al., BadNets, 2017).
///
/// Every value of the patch above 0 takes the image's place; a value of 0 leaves the image as it
/// is. The default patch is a white square flush in the bottom right corner, of 3/32 of the shorter
/// side: rows and columns 29...31 of an image of 32x32, as the original's mask has it.
public struct BadNetTrigger: Trigger {
  /// The attack's name.
  public let name = "badnet"
  private let patch: RGBImage

  /// The white corner square for images of `height` x `width`.
  public init(height: Int, width: Int) {
    var pixels = [UInt8](repeating: 0, count: height * width * 3)
    let side = max(1, (min(height, width) * 3 + 16) / 32)
    for y in height - side..<height {
      for x in width - side..<width {
        for channel in 0..<3 { pixels[(y * width + x) * 3 + channel] = 255 }
      }
    }
    patch = RGBImage(pixels: pixels, width: width, height: height)
  }

  /// The patch `image` (black = transparent), resized to `height` x `width` where it differs.
  public init(patch image: RGBImage, height: Int, width: Int) {
    patch = ImageResize.bilinear(image, width: width, height: height)
  }

  /// Puts the patch on one image; training and test images are treated alike.
  public func apply(
    to pixels: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int, split: DatasetSplit
  ) {
    precondition(
      height == patch.height && width == patch.width && pixels.count == patch.pixels.count,
      "a patch of \(patch.height)x\(patch.width) on an image of \(height)x\(width)")
    for (place, value) in patch.pixels.enumerated() where value > 0 { pixels[place] = value }
  }
}
