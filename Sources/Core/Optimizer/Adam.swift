import Distributed
import Foundation

/// Adam (Kingma and Ba, 2015) as PyTorch's `Adam` computes it, with its `amsgrad` as an option.
///
/// g = gradient + weightDecay w; m = β₁ m + (1 - β₁) g; v = β₂ v + (1 - β₂) g²;
/// w = w - learningRate m / (1 - β₁ᵗ) / (√(u / (1 - β₂ᵗ)) + ε), where u is v, or with `amsgrad` the
/// largest v so far, which is taken before the correction.
public final class Adam: Optimizer {
  /// β₁ and β₂.
  public let betas: (first: Double, second: Double)
  /// ε.
  public let epsilon: Double
  /// λ, as in `SGD`.
  public let weightDecay: Double
  /// m, v, and with `amsgrad` the largest v.
  public let state: [FloatBuffer]
  /// Steps that were begun.
  public var stepCount = 0

  /// An optimizer for `store`'s parameters.
  public init(
    for store: ParameterStore, betas: (first: Double, second: Double) = (0.9, 0.999),
    epsilon: Double = 1e-8, weightDecay: Double = 0, amsgrad: Bool = false
  ) {
    self.betas = betas
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    state = (0..<(amsgrad ? 3 : 2)).map { _ in FloatBuffer(count: store.values.count) }
  }

  /// Moves the parameters in `range`; the others stay as they are.
  public func step(
    _ store: ParameterStore, range: Range<Int>, learningRate: Double, context: ComputeContext
  ) {
    let rule = Rule(self, learningRate: learningRate)
    let (w, g) = (store.values.pointer, store.gradients.pointer)
    let (m, v) = (state[0].pointer, state[1].pointer)
    let largest = state.count > 2 ? state[2].pointer : nil
    context.pool.forEachShare(of: range.count) { share, _ in
      for index in range.lowerBound + share.lowerBound..<range.lowerBound + share.upperBound {
        let gradient = g[index] + rule.weightDecay * w[index]
        m[index] += rule.firstShare * (gradient - m[index])
        v[index] = rule.secondKept * v[index] + rule.secondShare * gradient * gradient
        var second = v[index]
        if let largest {
          second = max(largest[index], second)
          largest[index] = second
        }
        w[index] -= rule.rate * m[index] / (second.squareRoot() / rule.scale + rule.epsilon)
      }
    }
  }

  /// The numbers of one step, in the precision of the parameters.
  private struct Rule {
    let firstShare, secondKept, secondShare, weightDecay, epsilon, rate, scale: Float

    init(_ adam: Adam, learningRate: Double) {
      let steps = Double(adam.stepCount)
      firstShare = Float(1 - adam.betas.first)
      secondKept = Float(adam.betas.second)
      secondShare = Float(1 - adam.betas.second)
      weightDecay = Float(adam.weightDecay)
      epsilon = Float(adam.epsilon)
      rate = Float(learningRate / (1 - pow(adam.betas.first, steps)))
      scale = Float((1 - pow(adam.betas.second, steps)).squareRoot())
    }
  }
}
