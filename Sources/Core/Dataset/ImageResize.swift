/// Antialiased bilinear resizing in Pillow's fixed-point arithmetic, to the same integers.
///
/// Each output value is a weighted sum of the inputs under a triangle whose half-width is the scale
/// (at least 1), in one direction first, then in the other; weights have 22 fractional bits, and each
/// pass rounds to 8 bits. It is what torchvision's Resize does to a picture that is not yet a
/// tensor.
///
/// Rows come first, as up to Pillow 12, unless a picture loses more than twice as many rows as
/// columns: Pillow 13 then begins with the columns, and last bits differ.
public enum ImageResize {
  /// Fractional bits of a weight: 32 less 8 for the value less 2 for sign and sum.
  private static let precision = 22

  /// `image` at `width` x `height`; unchanged where it has that size already.
  public static func bilinear(_ image: RGBImage, width: Int, height: Int) -> RGBImage {
    precondition(width > 0 && height > 0, "resizing to \(width)x\(height)")
    let lostRows = image.height - height
    if lostRows > max(0, 2 * (image.width - width)) {
      let low = vertically(image, to: height)
      return low.width == width ? low : horizontally(low, to: width)
    }
    let wide = image.width == width ? image : horizontally(image, to: width)
    return wide.height == height ? wide : vertically(wide, to: height)
  }

  /// The inputs of one output value and their weights.
  private struct Window {
    let start: Int
    let weights: [Int]
  }

  private static func windows(from input: Int, to output: Int) -> [Window] {
    let scale = Double(input) / Double(output)
    let support = max(scale, 1)
    return (0..<output).map { index in
      let center = (Double(index) + 0.5) * scale
      let start = max(0, Int(center - support + 0.5))
      let end = min(input, Int(center + support + 0.5))
      let triangle = (start..<end).map { place in
        max(0, 1 - abs((Double(place) - center + 0.5) * (1 / support)))
      }
      let sum = triangle.reduce(0, +)
      return Window(
        start: start,
        weights: triangle.map { Int(0.5 + (sum == 0 ? $0 : $0 / sum) * Double(1 << precision)) })
    }
  }

  private static func horizontally(_ image: RGBImage, to width: Int) -> RGBImage {
    let windows = windows(from: image.width, to: width)
    var pixels: [UInt8] = []
    pixels.reserveCapacity(width * image.height * 3)
    for y in 0..<image.height {
      for window in windows {
        let start = (y * image.width + window.start) * 3
        for channel in 0..<3 {
          pixels.append(sum(image.pixels, window, from: start + channel, stride: 3))
        }
      }
    }
    return RGBImage(pixels: pixels, width: width, height: image.height)
  }

  private static func vertically(_ image: RGBImage, to height: Int) -> RGBImage {
    let row = image.width * 3
    var pixels: [UInt8] = []
    pixels.reserveCapacity(row * height)
    for window in windows(from: image.height, to: height) {
      for column in 0..<row {
        pixels.append(sum(image.pixels, window, from: window.start * row + column, stride: row))
      }
    }
    return RGBImage(pixels: pixels, width: image.width, height: height)
  }

  private static func sum(
    _ values: [UInt8], _ window: Window, from start: Int, stride: Int
  ) -> UInt8 {
    var total = 1 << (precision - 1)
    for (step, weight) in window.weights.enumerated() {
      total += Int(values[start + step * stride]) * weight
    }
    return UInt8(clamping: total >> precision)
  }
}
