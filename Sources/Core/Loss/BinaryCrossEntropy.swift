import Foundation

/// Cross-entropy of a yes or no, as PyTorch's `BCELoss` and `BCEWithLogitsLoss` compute it.
///
/// loss = -(t log p + (1 - t) log(1 - p)) with p = 1 / (1 + e⁻ᶻ), for one value.
package enum BinaryCrossEntropy {
  /// What one value comes to.
  package struct Result {
    /// The value's loss.
    package var loss: Double
    /// Its derivative by z.
    package var slope: Float
  }

  /// p of the logit z.
  package static func probability(_ z: Float) -> Float { 1 / (1 + exp(-z)) }

  /// The loss on the probability `p`, whose logarithms are kept above -100, and its derivative by
  /// `p`, whose divisor is kept above 1e-12.
  package static func clamped(_ p: Float, _ isTrue: Bool) -> (loss: Double, slope: Float) {
    let t: Float = isTrue ? 1 : 0
    let loss = isTrue ? -max(log(p), -100) : -max(log1p(-p), -100)
    return (Double(loss), (p - t) / max((1 - p) * p, 1e-12))
  }

  /// The same of the logit `z`: where `p` is 0 or 1 to the last bit, nothing comes through.
  package static func clamped(logit z: Float, _ isTrue: Bool) -> Result {
    let p = probability(z)
    let (loss, slope) = clamped(p, isTrue)
    return Result(loss: loss, slope: slope * ((1 - p) * p))
  }

  /// The loss of the logit `z`, which no clamp limits.
  package static func ofLogit(_ z: Float, _ isTrue: Bool) -> Result {
    let (value, t) = (Double(z), isTrue ? 1.0 : 0)
    return Result(
      loss: max(value, 0) - value * t + log1p(exp(-abs(value))),
      slope: Float(1 / (1 + exp(-value)) - t))
  }
}
