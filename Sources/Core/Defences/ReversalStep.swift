import Distributed
import Foundation

/// Mask and pattern of one class while they are searched for: what a batch changes of them.
///
/// mask = tanh(M) / (2 + ε) + 1/2, pattern likewise of P, both of ones at first. With N the scaling of
/// pixels, x' = (1 - mask) x + mask N(pattern), and the loss CE(f(x'), class) + cost Σ mask falls by
/// Adam on M and P (β 0.5 and 0.9). The network is frozen; each sum runs over the images in order.
package final class ReversalStep {
  /// M and P with their gradients.
  package let store: ParameterStore
  private let maskSlot: ParameterSlot
  private let patternSlot: ParameterSlot
  private let network: Network
  private let settings: ReversalSettings
  private let normalization: Normalization
  private let context: ComputeContext
  private let adam: Adam

  /// What a batch came to before the step.
  package struct Outcome: Sendable {
    /// The mean cross-entropy.
    package var crossEntropy = 0.0
    /// The share of images that went to the class, 0…1.
    package var success = 0.0
    /// Σ mask.
    package var norm = 0.0
    /// Whether all logits were finite.
    package var isFinite = true
  }

  /// The start of a search in `network`, whose inputs are scaled by `normalization`.
  package init(
    _ network: Network, settings: ReversalSettings, normalization: Normalization,
    context: ComputeContext
  ) {
    (self.network, self.settings) = (network, settings)
    (self.normalization, self.context) = (normalization, context)
    let shape = network.inputShape
    var plan = ParameterLayoutPlan()
    maskSlot = plan.parameter("mask", shape: [shape.height, shape.width], role: .matrix)
    patternSlot = plan.parameter(
      "pattern", shape: [shape.height, shape.width, shape.channels], role: .matrix)
    store = ParameterStore(plan)
    for place in 0..<store.values.count { store.values.pointer[place] = 1 }
    adam = Adam(for: store, betas: (0.5, 0.9))
  }

  /// Mask and pattern as they are.
  package var trigger: ReversedTrigger {
    ReversedTrigger(
      mask: (0..<maskSlot.count).map { value(at: maskSlot.offset + $0) },
      pattern: (0..<patternSlot.count).map { value(at: patternSlot.offset + $0) },
      height: network.inputShape.height, width: network.inputShape.width)
  }

  /// tanh(v) / (2 + ε) + 1/2 of the parameter at `place`.
  private func value(at place: Int) -> Float {
    tanh(store.values.pointer[place]) / Float(2 + settings.epsilon) + 0.5
  }

  /// One step along `images` [N, H, W, C] towards class `target`, the mask's size counting `cost`.
  package func run(_ images: Tensor, target: Int, cost: Double) -> Outcome {
    let outcome = addGradients(images, target: target, cost: cost)
    adam.step(store, learningRate: settings.learningRate, context: context)
    return outcome
  }

  /// Sets the gradients of M and P.
  package func addGradients(_ images: Tensor, target: Int, cost: Double) -> Outcome {
    let trigger = trigger
    let scaled = scale(trigger.pattern)
    let (count, channels) = (images.shape.batch, images.shape.channels)
    let changed = Tensor(images.shape)
    let size = trigger.pattern.count
    context.pool.forEachShare(of: count) { share, _ in
      for image in share {
        for place in 0..<size {
          let (mask, x) = (trigger.mask[place / channels], images.pointer[image * size + place])
          changed.pointer[image * size + place] = (1 - mask) * x + mask * scaled[place]
        }
      }
    }
    let logits = network.forward(changed, mode: .differentiatingImages, context: context)
    let logitsGradient = Tensor(logits.shape)
    let result = CrossEntropy().evaluate(
      logits, labels: [Int32](repeating: Int32(target), count: count), globalCount: count,
      gradient: logitsGradient)
    let gradient = Tensor(images.shape)
    network.backward(logitsGradient, reach: .images(gradient), context: context)
    setGradients(of: trigger, scaled: scaled, gradient: gradient, images: images, cost: cost)
    return Outcome(
      crossEntropy: result.lossSum / Double(max(count, 1)),
      success: Double(result.correct) / Double(max(count, 1)), norm: trigger.norm,
      isFinite: result.nonFinite == 0)
  }

  private func setGradients(
    of trigger: ReversedTrigger, scaled: [Float], gradient: Tensor, images: Tensor, cost: Double
  ) {
    let (count, channels) = (images.shape.batch, images.shape.channels)
    let size = trigger.pattern.count
    let factors = (0..<size).map { scaleFactor(at: $0) }
    let (g, x, own) = (gradient.pointer, images.pointer, store.gradients.pointer)
    context.pool.forEachShare(of: trigger.mask.count) { share, _ in
      for pixel in share {
        var ofMask = cost
        for place in pixel * channels..<(pixel + 1) * channels {
          var ofPattern = 0.0
          for image in 0..<count {
            let slope = Double(g[image * size + place])
            ofMask += slope * Double(scaled[place] - x[image * size + place])
            ofPattern += slope
          }
          let sum = ofPattern * Double(trigger.mask[pixel]) * Double(factors[place])
          own[patternSlot.offset + place] = Float(sum * slope(at: patternSlot.offset + place))
        }
        own[maskSlot.offset + pixel] = Float(ofMask * slope(at: maskSlot.offset + pixel))
      }
    }
  }

  /// The slope of tanh(v) / (2 + ε) at `place`.
  private func slope(at place: Int) -> Double {
    let value = Double(tanh(store.values.pointer[place]))
    return (1 - value * value) / (2 + settings.epsilon)
  }

  /// The constants of the channel, or of the row in the original's way; nil is none.
  private func channel(at place: Int) -> Int? {
    let (width, channels) = (network.inputShape.width, network.inputShape.channels)
    guard settings.scalesByRow else { return place % channels }
    let row = place / (width * channels)
    return row < channels ? row : nil
  }

  private func scaleFactor(at place: Int) -> Float {
    channel(at: place).map { 1 / normalization.standardDeviation[$0] } ?? 1
  }

  /// The pattern as the network is given it.
  private func scale(_ pattern: [Float]) -> [Float] {
    pattern.enumerated().map { place, value in
      guard let channel = channel(at: place) else { return value }
      return (value - normalization.mean[channel]) / normalization.standardDeviation[channel]
    }
  }
}
