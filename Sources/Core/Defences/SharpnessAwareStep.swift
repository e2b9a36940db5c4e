import Distributed
import Foundation

/// A step of adaptive sharpness-aware minimisation: two passes over the same batch.
///
/// Pass 1: loss L = mean of KL(q || p), q = 1 - s on the label and s / (classes - 1) elsewhere;
/// gradient g. G = √Σ (|w| g)² over all parameters; e = ρ / (G + 1e-12) g w²; w += e. Pass 2:
/// gradient g₂ there, with the batch's own statistics, the running ones staying; w -= e; SGD along
/// g₂. Not adaptive: e = ρ g / ‖g‖. ρ = ρ_min + (ρ_max - ρ_min) rate / full rate.
package final class SharpnessAwareStep: TrainingStep {
  package let classifier: Network
  package let communicator: any Communicator
  package let context: ComputeContext
  package let timer = StepTimer()
  private let optimizer: any Optimizer
  private let settings: SharpnessAwareTuning
  private let fullRate: Double
  private let passes: SharedPasses
  private let loss: CrossEntropy
  /// H(q), by which the cross-entropy exceeds the divergence.
  private let entropy: Double
  /// e, and g where α asks for it: [parameters] each.
  private let ascent: FloatBuffer
  private let first: FloatBuffer

  /// What the last step's passes came to.
  package private(set) var trace = Trace()

  /// A step's figures, in its order.
  package struct Trace {
    /// The mean loss of pass 1 and of pass 2 over this rank's images.
    package var loss = 0.0, movedLoss = 0.0
    /// ρ.
    package var radius = 0.0
    /// G, or ‖g‖.
    package var gradientNorm = 0.0
  }

  /// A step that moves `network` by `optimizer`; ρ is the largest at `fullRate`.
  package init(
    _ network: Network, optimizer: any Optimizer, settings: SharpnessAwareTuning,
    fullRate: Double, communicator: any Communicator, context: ComputeContext
  ) {
    (classifier, self.optimizer, self.settings) = (network, optimizer, settings)
    (self.fullRate, self.communicator, self.context) = (fullRate, communicator, context)
    passes = SharedPasses(network, communicator: communicator, context: context)
    let (classes, smoothing) = (network.head.outputs, settings.labelSmoothing)
    loss = .smoothingOtherClasses(smoothing, classCount: classes)
    let shares = [1 - smoothing, smoothing / Double(max(classes - 1, 1))]
    entropy = zip(shares, [1, Double(classes - 1)]).reduce(0) { sum, pair in
      pair.0 > 0 ? sum - pair.1 * pair.0 * Foundation.log(pair.0) : sum
    }
    ascent = FloatBuffer(count: network.store.values.count)
    first = FloatBuffer(count: settings.alpha == 0 ? 0 : network.store.values.count)
  }

  private var store: ParameterStore { classifier.store }

  package var learners: [Learner] {
    [Learner("classifier", store: store, optimizer: optimizer)]
  }

  package func run(_ batch: Batch, at moment: Moment) throws -> StepOutcome {
    try timer.measureStep {
      let result = try ascend(batch, at: moment)
      try descend(batch, at: moment)
      timer.measure(.update) {
        optimizer.step(store, learningRate: moment.learningRate, context: context)
      }
      return StepOutcome(result, batch: batch)
    }
  }

  /// Pass 1, after which the weights are moved uphill; g is in the gradients.
  package func ascend(_ batch: Batch, at moment: Moment) throws -> CrossEntropy.Result {
    let result = try gradient(batch, statistics: .move, at: moment)
    trace.loss = result.lossSum / Double(max(batch.count, 1))
    trace.radius =
      settings.smallestRadius + (settings.largestRadius - settings.smallestRadius)
      * (fullRate > 0 ? moment.learningRate / fullRate : 1)
    let (w, g, e) = (store.values.pointer, store.gradients.pointer, ascent.pointer)
    var squares = 0.0
    for place in 0..<store.values.count {
      let product =
        settings.isAdaptive ? Double(abs(w[place])) * Double(g[place]) : Double(g[place])
      squares += product * product
    }
    trace.gradientNorm = squares.squareRoot()
    let factor = Float(trace.radius / (trace.gradientNorm + 1e-12))
    for place in 0..<store.values.count {
      e[place] = factor * g[place] * (settings.isAdaptive ? w[place] * w[place] : 1)
      w[place] += e[place]
    }
    if first.count > 0 { first.pointer.update(from: g, count: first.count) }
    return result
  }

  /// Pass 2, after which the weights are back; what the step goes along is in the gradients.
  package func descend(_ batch: Batch, at moment: Moment) throws {
    let result = try gradient(batch, statistics: .stay, at: moment)
    trace.movedLoss = result.lossSum / Double(max(batch.count, 1))
    // Taken away rather than put back: the original's rounding stays.
    for place in 0..<store.values.count {
      store.values.pointer[place] -= ascent.pointer[place]
    }
    if first.count > 0 { takeAwayAcross() }
  }

  /// g₂ -= α (g - c ‖g‖ g₂ / ‖g₂‖), c the cosine of g and g₂.
  private func takeAwayAcross() {
    let second = store.gradients
    let squares = second.dot(second)
    let along = squares > 0 ? Float(first.dot(second) / squares) : 0
    let alpha = Float(settings.alpha)
    for place in 0..<second.count {
      second.pointer[place] -=
        alpha * (first.pointer[place] - along * second.pointer[place])
    }
  }

  /// One pass over `batch`; its gradients are summed over the ranks.
  private func gradient(
    _ batch: Batch, statistics: SharedPasses.Statistics, at moment: Moment
  ) throws -> CrossEntropy.Result {
    passes.clearGradients()
    var (result, gradient) = try timer.measure(.forward) {
      let logits = try passes.forward(batch, statistics: statistics, at: moment)
      let gradient = Tensor(logits.shape)
      let result = loss.evaluate(
        logits, labels: batch.labels, globalCount: batch.globalCount, gradient: gradient)
      return (result, gradient)
    }
    result.lossSum -= entropy * Double(batch.count)
    try timer.measure(.backward) { try passes.backward(gradient, of: batch, at: moment) }
    try timer.measure(.wait) { try passes.sumGradients() }
    return result
  }
}
