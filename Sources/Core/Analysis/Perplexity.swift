import Foundation

/// The bandwidth of one point's neighbourhood: as many effective neighbours as the perplexity says.
///
/// p_j ∝ exp(-β d_j) over squared distances d, with β such that the entropy H = -Σ p log p is
/// log(perplexity) (van der Maaten and Hinton 2008). dH/d log β = -β² Var_p(d), so Newton's steps
/// in log β find it in a few rounds; where a step leaves the bracket, the bracket is halved.
package enum Perplexity {
  /// |H - log(perplexity)| that ends the search.
  package static let tolerance = 1e-7
  private static let roundLimit = 100
  /// The largest change of log β in one step.
  private static let largestStep = 4.0

  /// Writes p_j, whose sum is 1, for the squared distances of one point's k neighbours.
  ///
  /// Where no bandwidth gives the perplexity, since more points than that are equally near, it is
  /// approached as far as numbers go.
  package static func weights(
    _ squaredDistances: UnsafeBufferPointer<Float>, perplexity: Double,
    into weights: UnsafeMutableBufferPointer<Double>
  ) {
    let nearest = Double(squaredDistances.min() ?? 0)
    let mean = squaredDistances.reduce(0) { $0 + Double($1) } / Double(squaredDistances.count)
    let target = Foundation.log(perplexity)
    var logBeta = mean > nearest ? -Foundation.log(mean - nearest) : 0
    var (lower, upper) = (-Double.infinity, Double.infinity)
    for _ in 0..<roundLimit {
      let moments = fill(weights, squaredDistances, nearest, beta: Foundation.exp(logBeta))
      let excess = moments.entropy - target
      if abs(excess) < tolerance || moments.slope == 0 { break }
      if excess > 0 { lower = logBeta } else { upper = logBeta }
      logBeta = next(after: logBeta, by: excess / moments.slope, lower, upper)
    }
    let sum = weights.reduce(0, +)
    for index in weights.indices { weights[index] /= sum }
  }

  private static func next(
    after logBeta: Double, by newton: Double, _ lower: Double, _ upper: Double
  ) -> Double {
    let step = min(max(newton, -largestStep), largestStep)
    let candidate = logBeta + step
    if lower < candidate && candidate < upper { return candidate }
    return (lower + upper) / 2
  }

  /// Unnormalised weights, their entropy, and β² Var(d), what the entropy loses per log β.
  private static func fill(
    _ weights: UnsafeMutableBufferPointer<Double>, _ distances: UnsafeBufferPointer<Float>,
    _ nearest: Double, beta: Double
  ) -> (entropy: Double, slope: Double) {
    var (sum, first, second) = (0.0, 0.0, 0.0)
    for index in distances.indices {
      let scaled = beta * (Double(distances[index]) - nearest)
      let weight = Foundation.exp(-scaled)
      weights[index] = weight
      sum += weight
      if weight > 0 {
        first += weight * scaled
        second += weight * scaled * scaled
      }
    }
    let mean = first / sum
    return (Foundation.log(sum) + mean, max(second / sum - mean * mean, 0))
  }
}
