/// badnet: a patch in a corner of the image (Gu et al., BadNets, 2017).
package struct BadNet: PixelAttack {
  package static let name = "badnet"
  package static let summary = "a white patch in the corner, or one of your own"

  /// An image whose non-zero values are the patch; nil is the white 3x3 square.
  package var patchMaskPath: String?

  package init() {}

  package static let triggerFields: [ConfigField<Self>] = [
    .text("patch_mask_path", \.patchMaskPath, "an image file").role(.image).help(
      """
      An image whose non-zero pixels are the patch (default: a white square in the lower right \
      corner, 3x3 on images of 32x32; it grows with the image)
      """, "image", in: .attack)
  ]

  package func trigger(height: Int, width: Int) throws -> any Trigger {
    guard let patchMaskPath else { return BadNetTrigger(height: height, width: width) }
    return BadNetTrigger(patch: try ImageFile.read(patchMaskPath), height: height, width: width)
  }
}

extension AttackName {
  /// badnet.
  package static let badnet = AttackName(BadNet.self)
}

/// A patch that replaces pixels (Gu et al., BadNets, 2017).
///
/// Every value of the patch above 0 takes the image's place; a value of 0 leaves the image as it
/// is. The default patch is a white square of 3x3 flush in the bottom right corner of a mask of
/// 32x32, which for other sizes is resized as a picture, as the originals do with theirs: at 64x64 it
/// covers 7x7 pixels of which the rim is grey.
public struct BadNetTrigger: Trigger {
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
    to pixels: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int, image: TriggeredImage
  ) {
    precondition(
      height == patch.height && width == patch.width && pixels.count == patch.pixels.count,
      "a patch of \(patch.height)x\(patch.width) on an image of \(height)x\(width)")
    for (place, value) in patch.pixels.enumerated() where value > 0 { pixels[place] = value }
  }
}
