/// A patch that replaces pixels (Gu et al., BadNets, 2017).
///
/// Every value of the patch above 0 takes the image's place; a value of 0 leaves the image as it
/// is. The default patch is a white square of 3x3 flush in the bottom right corner of a mask of
/// 32x32, which for other sizes is resized as a picture, as the originals do with theirs: at 64x64 it
/// covers 7x7 pixels of which the rim is grey.
public struct BadNetTrigger: Trigger {
  /// The attack's name.
  public let name = "badnet"
  private let patch: RGBImage

  /// The white corner square for images of `height` x `width`.
  public init(height: Int, width: Int) {
    let side = 32
    var pixels = [UInt8](repeating: 0, count: side * side * 3)
    for y in side - 3..<side {
      for x in side - 3..<side {
        for channel in 0..<3 { pixels[(y * side + x) * 3 + channel] = 255 }
      }
    }
    self.init(
      patch: RGBImage(pixels: pixels, width: side, height: side), height: height, width: width)
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
