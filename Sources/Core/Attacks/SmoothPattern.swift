import Foundation

/// Patterns without fine structure: what lf's search keeps of a step.
package enum SmoothPattern {
  /// The largest value of a normalised pattern.
  package static let height: Float = 0.2
  private static let (taps, before, sigma) = (30, 14, 6.0)

  /// The Gaussian's weights at -14.5 … 14.5, whose sum is 1.
  private static let weights: [Double] = {
    let values = (0..<taps).map { exp(-pow((Double($0) - 14.5) / sigma, 2) / 2) }
    return values.map { $0 / values.reduce(0, +) }
  }()

  /// `pattern` [H, W, C] smoothed down and across by a Gaussian of 6 pixels; it is 0 outside.
  package static func smooth(_ pattern: [Float], height: Int, width: Int) -> [Float] {
    let channels = pattern.count / (height * width)
    let across = smooth(pattern, length: width, step: channels, lines: height)
    return smooth(across, length: height, step: width * channels, lines: 1)
  }

  /// Smooths `lines` blocks of `length` values that lie `step` apart, each of `step` columns.
  private static func smooth(
    _ values: [Float], length: Int, step: Int, lines: Int
  ) -> [Float] {
    var result = values
    for line in 0..<lines {
      for column in 0..<step {
        let start = line * length * step + column
        for place in 0..<length {
          var sum = 0.0
          for (tap, weight) in weights.enumerated() {
            let source = place + tap - before
            if 0..<length ~= source { sum += weight * Double(values[start + source * step]) }
          }
          result[start + place * step] = Float(sum)
        }
      }
    }
    return result
  }

  /// `pattern` mapped to 0...0.2; nil where all its values are one.
  package static func normalize(_ pattern: [Float]) -> [Float]? {
    guard let least = pattern.min(), let most = pattern.max(), most > least else { return nil }
    return pattern.map { ($0 - least) / (most - least) * height }
  }
}
