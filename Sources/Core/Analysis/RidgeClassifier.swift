/// A ridge regression on targets ±1 that takes the sign of its score for the class.
///
/// Minimises Σ w (t - v·x - c)² + penalty ‖v‖² over v [d] and c, where x are standardised rows and
/// w = n / (2 m) for a class of m among n rows.
package struct RidgeClassifier {
  private let means: [Double]
  /// What a row minus `means` is multiplied with, element by element: [d].
  private let weights: [Double]
  private let intercept: Double

  /// Fits to the rows of `features` at `fitted`, in which both targets must occur.
  package init(_ features: FeatureMatrix, targets: [Double], fitted: [Int], penalty: Double) {
    let count = Double(fitted.count)
    let d = features.columns
    let positives = Double(fitted.count { targets[$0] > 0 })
    let scaling = Self.scaling(features, fitted)
    var normal = [Double](repeating: 0, count: d * d)
    var right = [Double](repeating: 0, count: d)
    var center = right
    let x = fitted.map { row in
      zip(features[row], zip(scaling.means, scaling.factors)).map { (Double($0) - $1.0) * $1.1 }
    }
    // Both classes together weigh as much as there are rows, so targets ±1 have mean 0.
    let rowWeights = fitted.map { count / (2 * (targets[$0] > 0 ? positives : count - positives)) }
    for (row, weight) in zip(x, rowWeights) {
      for column in 0..<d { center[column] += weight / count * row[column] }
    }
    for (index, row) in x.enumerated() {
      let centered = zip(row, center).map { $0 - $1 }
      Self.add(centered, weight: rowWeights[index], to: &normal)
      let factor = rowWeights[index] * targets[fitted[index]]
      for column in 0..<d { right[column] += factor * centered[column] }
    }
    for column in 0..<d { normal[column * d + column] += penalty }
    let solution = Cholesky.solve(&normal, right)
    means = scaling.means
    weights = zip(solution, scaling.factors).map { $0 * $1 }
    intercept = -zip(solution, center).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// v·x + c for a row [d] that is not standardised yet.
  package func score(_ row: [Float]) -> Double {
    var sum = intercept
    for (value, (mean, weight)) in zip(row, zip(means, weights)) {
      sum += (Double(value) - mean) * weight
    }
    return sum
  }

  /// Means and inverse standard deviations of the columns; 1 for a column that never varies.
  private static func scaling(
    _ features: FeatureMatrix, _ rows: [Int]
  ) -> (means: [Double], factors: [Double]) {
    let (count, d) = (Double(rows.count), features.columns)
    var means = [Double](repeating: 0, count: d)
    for row in rows { for (c, value) in zip(0..., features[row]) { means[c] += Double(value) } }
    for c in 0..<d { means[c] /= count }
    var squares = [Double](repeating: 0, count: d)
    for row in rows {
      for (c, value) in zip(0..., features[row]) {
        squares[c] += (Double(value) - means[c]) * (Double(value) - means[c])
      }
    }
    let factors = zip(squares, means).map { sum, mean in
      // What a column that never varies seems to vary by is the rounding of its mean.
      let rounding = count * mean * Double.ulpOfOne
      return sum / count > rounding * rounding ? 1 / (sum / count).squareRoot() : 1
    }
    return (means, factors)
  }

  /// Adds `weight` row rowᵀ to the lower triangle of `matrix` [d, d].
  private static func add(_ row: [Double], weight: Double, to matrix: inout [Double]) {
    let d = row.count
    matrix.withUnsafeMutableBufferPointer { matrix in
      row.withUnsafeBufferPointer { row in
        for i in 0..<d where row[i] != 0 {
          let factor = weight * row[i]
          for j in 0...i { matrix[i * d + j] += factor * row[j] }
        }
      }
    }
  }
}

/// Solves systems of linear equations whose matrix is symmetric and positive definite.
enum Cholesky {
  /// The x of `matrix` x = `right`; reads the lower triangle of `matrix` [d, d], row-major, and
  /// overwrites it with its factor.
  static func solve(_ matrix: inout [Double], _ right: [Double]) -> [Double] {
    let d = right.count
    var x = right
    matrix.withUnsafeMutableBufferPointer { l in
      for i in 0..<d {
        for j in 0...i {
          var sum = l[i * d + j]
          for k in 0..<j { sum -= l[i * d + k] * l[j * d + k] }
          l[i * d + j] = i == j ? sum.squareRoot() : sum / l[j * d + j]
        }
        for k in 0..<i { x[i] -= l[i * d + k] * x[k] }
        x[i] /= l[i * d + i]
      }
      for i in stride(from: d - 1, through: 0, by: -1) {
        for k in i + 1..<d { x[i] -= l[k * d + i] * x[k] }
        x[i] /= l[i * d + i]
      }
    }
    return x
  }
}
