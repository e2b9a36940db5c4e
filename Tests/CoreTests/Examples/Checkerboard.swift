import Core

/// checkerboard: every other square of the image is made brighter.
package struct Checkerboard: PixelAttack {
  package static let name = "checkerboard"
  package static let summary = "every other square of the image is made brighter"

  /// Grey levels that are added.
  var strength = 24
  /// The side of a square, in pixels.
  var square = 4

  package init() {}

  package static let triggerFields: [ConfigField<Self>] = [
    .integer("checker_strength", \.strength, 1...255).help(
      "Grey levels that are added to every other square", "levels", in: .attack),
    .integer("checker_square", \.square, 1...256).help(
      "The side of a square", "pixels", in: .attack),
  ]

  package func trigger(height: Int, width: Int) -> any Trigger {
    CheckerboardTrigger(strength: strength, square: square)
  }
}

private struct CheckerboardTrigger: Trigger {
  let strength: Int
  let square: Int

  func apply(
    to pixels: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int, image: TriggeredImage
  ) {
    for y in 0..<height {
      for x in 0..<width where (y / square + x / square).isMultiple(of: 2) {
        for place in (y * width + x) * 3..<(y * width + x + 1) * 3 {
          pixels[place] = UInt8(clamping: Int(pixels[place]) + strength)
        }
      }
    }
  }
}
