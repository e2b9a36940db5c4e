/// Derivatives by central differences: what a backward pass is checked against.
public enum FiniteDifference {
  /// The gradient of `function` at `point`, one element after the other.
  ///
  /// Exact but for rounding where `function` is linear or quadratic; otherwise the error grows with
  /// the square of `step`, and the rounding error with its inverse.
  public static func gradient(
    at point: [Float], step: Float, of function: ([Float]) -> Double
  ) -> [Double] {
    point.indices.map { index in
      var (lower, upper) = (point, point)
      lower[index] -= step
      upper[index] += step
      return (function(upper) - function(lower)) / (Double(upper[index]) - Double(lower[index]))
    }
  }
}

/// Σ a b in float64.
public func dot(_ a: [Float], _ b: [Float]) -> Double {
  zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
}
