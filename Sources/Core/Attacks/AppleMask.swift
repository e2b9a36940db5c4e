import Foundation

/// trojannn's default mask: an apple with stem and leaf in the lower right of the image.
///
/// Drawn for any size, with hard edges: `level` inside, 0 outside. The body is a circle with a dent
/// at the top and a flat one at the bottom: at the angle t from the upward direction its radius is
/// 0.95 - 0.40 exp(-(t / 0.35)²) - 0.08 exp(-((pi - t) / 0.3)²), in units of `radius` x the side.
public enum AppleMask {
  /// The grey level inside: where the trigger starts, clearly visible and with room to both sides.
  public static let level: UInt8 = 90
  /// The apple's middle, as a share of width and height, and its size, as one of the shorter side.
  private static let (center, radius) = (0.64, 0.26)

  /// The mask of `height` x `width`, the same in all channels.
  public static func image(height: Int, width: Int) -> RGBImage {
    let unit = radius * Double(min(height, width))
    var pixels: [UInt8] = []
    pixels.reserveCapacity(height * width * 3)
    for y in 0..<height {
      for x in 0..<width {
        let right = (Double(x) + 0.5 - center * Double(width)) / unit
        let down = (Double(y) + 0.5 - center * Double(height)) / unit
        let value = isInside(right: right, down: down) ? level : 0
        pixels.append(contentsOf: [value, value, value])
      }
    }
    return RGBImage(pixels: pixels, width: width, height: height)
  }

  private static func isInside(right: Double, down: Double) -> Bool {
    let angle = atan2(abs(right), -down)
    let edge =
      0.95 - 0.40 * exp(-pow(angle / 0.35, 2)) - 0.08 * exp(-pow((Double.pi - angle) / 0.3, 2))
    if hypot(right, down) <= edge { return true }
    // The stem leans to the right; the leaf is an ellipse that rises to the right.
    if down > -1.15 && down < -0.4 && abs(right + 0.15 * (down + 0.4)) < 0.1 { return true }
    let (along, across) = (
      (right - 0.45) * 0.8 - (down + 1.1) * 0.6, (right - 0.45) * 0.6 + (down + 1.1) * 0.8
    )
    return pow(along / 0.42, 2) + pow(across / 0.18, 2) <= 1
  }
}
