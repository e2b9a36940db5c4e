import Foundation

/// blended: a picture mixed into the whole image (Chen et al., 2017).
package struct Blended: PixelAttack {
  package static let name = "blended"
  package static let summary = "a picture mixed into the whole image"

  /// The image that is mixed in; nil is a generated pattern.
  package var imagePath: String?
  /// The image's weight in triggered training images, 0…1.
  package var trainAlpha = 0.2
  /// The image's weight in triggered test images, 0…1.
  package var testAlpha = 0.2

  package init() {}

  package static let triggerFields: [ConfigField<Self>] = [
    .text("attack_trigger_img_path", \.imagePath, "an image file").role(.image).help(
      "The image mixed in (default: a generated pattern)", "image", in: .attack),
    .number("attack_test_blended_alpha", \.testAlpha, .share).help(
      "Its weight in test images, 0 to 1", "share", in: .attack),
  ]

  package static let trainingFields: [ConfigField<Self>] = [
    .number("attack_train_blended_alpha", \.trainAlpha, .share).help(
      "The image's weight in poisoned training images, 0 to 1", "share", in: .attack)
  ]

  package func trigger(height: Int, width: Int) throws -> any Trigger {
    let pattern = try imagePath.map { try ImageFile.read($0) }
    return BlendedTrigger(
      pattern: pattern ?? BlendedTrigger.defaultPattern(height: height, width: width),
      height: height, width: width, trainAlpha: trainAlpha, testAlpha: testAlpha)
  }
}

extension AttackName {
  /// blended.
  package static let blended = AttackName(Blended.self)
}

/// A picture mixed into the whole image (Chen et al., 2017): (1 - alpha) x + alpha t.
///
/// The arithmetic is the original's to the bit: alpha t in float32, (1 - alpha) x and the sum in
/// float64, the sum rounded to float32, clipped to 0...255 and truncated.
public struct BlendedTrigger: Trigger {
  private let pattern: RGBImage
  private let trainAlpha: Double
  private let testAlpha: Double

  /// Mixes in `pattern`, resized to `height` x `width`, with a weight of 0...1 for each split.
  public init(
    pattern: RGBImage, height: Int, width: Int, trainAlpha: Double = 0.2, testAlpha: Double = 0.2
  ) {
    self.pattern = ImageResize.bilinear(pattern, width: width, height: height)
    self.trainAlpha = trainAlpha
    self.testAlpha = testAlpha
  }

  /// Mixes the pattern into one image, with the weight of its split.
  public func apply(
    to pixels: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int, image: TriggeredImage
  ) {
    precondition(
      height == pattern.height && width == pattern.width && pixels.count == pattern.pixels.count,
      "a pattern of \(pattern.height)x\(pattern.width) on an image of \(height)x\(width)")
    let alpha = image.split == .train ? trainAlpha : testAlpha
    for (place, value) in pattern.pixels.enumerated() {
      let weighted = Float(alpha) * Float(value)
      let sum = Float((1 - alpha) * Double(pixels[place]) + Double(weighted))
      pixels[place] = UInt8(min(max(sum, 0), 255))
    }
  }

  /// The default pattern, drawn at `height` x `width`: waves of three directions, one per channel.
  ///
  /// Value = 127.5 + 127.5 sin(2 pi (a u + b v) + phase), with u and v from 0 to 1 across the
  /// image.
  public static func defaultPattern(height: Int, width: Int) -> RGBImage {
    let waves: [(across: Double, down: Double, phase: Double)] = [
      (2.5, 1.0, 0.0), (-1.5, 3.0, 1.0), (3.5, -2.0, 2.5),
    ]
    var pixels: [UInt8] = []
    pixels.reserveCapacity(height * width * 3)
    for y in 0..<height {
      for x in 0..<width {
        let (u, v) = ((Double(x) + 0.5) / Double(width), (Double(y) + 0.5) / Double(height))
        for wave in waves {
          let angle = 2 * Double.pi * (wave.across * u + wave.down * v) + wave.phase
          pixels.append(UInt8((127.5 + 127.5 * sin(angle)).rounded()))
        }
      }
    }
    return RGBImage(pixels: pixels, width: width, height: height)
  }
}
