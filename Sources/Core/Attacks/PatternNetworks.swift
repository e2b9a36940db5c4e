import Distributed
import Foundation

/// inputaware's generator and mask: a pattern for each image, and how much of it shows where.
///
/// A poisoned image is x + (pattern - x) t, with t a steep step of the mask. Both networks answer
/// through a bounded map: tanh, twice in the original, to about 0...1. It owns both; each has a twin
/// with the same parameters, since two sets of images are differentiated at once.
package final class PatternNetworks {
  /// From images to patterns; [N, H, W, 3].
  package let generator: ImageNetwork, generatorTwin: ImageNetwork
  /// From images to masks; [N, H, W, 1].
  package let mask: ImageNetwork, maskTwin: ImageNetwork
  /// How patterns become inputs of the classifier.
  package let normalization: Normalization
  /// Whether tanh is applied twice.
  package let isTwice: Bool
  /// Threads and memory; BatchNorm sums run over all ranks.
  package let context: ComputeContext

  private static let width: Float = 2 + 1e-7

  /// Networks for `images` whose parameters are zero until initialised or loaded.
  package init(
    images: Shape, normalization: Normalization, isTwice: Bool, context: ComputeContext
  ) {
    generator = .pattern(outputs: 3, images: images)
    generatorTwin = .pattern(outputs: 3, images: images, store: generator.store)
    mask = .pattern(outputs: 1, images: images)
    maskTwin = .pattern(outputs: 1, images: images, store: mask.store)
    (self.normalization, self.isTwice, self.context) = (normalization, isTwice, context)
  }

  /// Draws both networks' parameters.
  func initialize(seed: UInt64) {
    Initializer.initialize(generator.store, seed: seed, purpose: .generator)
    Initializer.initialize(mask.store, seed: ~seed, purpose: .generator)
  }

  /// A network's answer to what it gives as `z`.
  package func bounded(_ z: Float) -> Float {
    let once = Foundation.tanh(z)
    return (isTwice ? Foundation.tanh(once) : once) / Self.width + 0.5
  }

  /// The slope of `bounded` at `z`.
  package func slope(_ z: Float) -> Float {
    let once = Foundation.tanh(z)
    guard isTwice else { return (1 - once * once) / Self.width }
    let twice = Foundation.tanh(once)
    return (1 - twice * twice) * (1 - once * once) / Self.width
  }

  /// The steep step that makes a mask's value t.
  package static func threshold(_ mask: Float) -> Float {
    Foundation.tanh(mask * 20 - 10) / width + 0.5
  }

  /// The slope of `threshold`, given its value.
  package static func thresholdSlope(_ t: Float) -> Float {
    let value = (t - 0.5) * width
    return 20 * (1 - value * value) / width
  }

  /// The normalised patterns of what the generator gives as `z`: [N, H, W, 3].
  package func patterns(_ z: Tensor) -> [Float] {
    (0..<z.shape.count).map {
      (bounded(z.pointer[$0]) - normalization.mean[$0 % 3])
        / normalization.standardDeviation[$0 % 3]
    }
  }

  /// t of what the mask gives as `z`: [N, H, W].
  package func thresholds(_ z: Tensor) -> [Float] {
    (0..<z.shape.count).map { Self.threshold(bounded(z.pointer[$0])) }
  }

  /// Puts into `images` what those of `partners` give, as the networks answer now; neither learns.
  func poison(_ images: Tensor, partners: Tensor) {
    let t = thresholds(mask.forward(partners, mode: .evaluating, context: context))
    let patterns = patterns(generator.forward(partners, mode: .evaluating, context: context))
    Self.mix(images.pointer, patterns, t)
  }

  /// x + (pattern - x) t for all values of `patterns`.
  static func mix(_ x: UnsafeMutablePointer<Float>, _ patterns: [Float], _ t: [Float]) {
    for place in patterns.indices { x[place] += (patterns[place] - x[place]) * t[place / 3] }
  }

  /// √ of the mean square of a - b.
  static func distance(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int
  ) -> Double {
    var sum = 0.0
    for place in 0..<count {
      let difference = Double(a[place] - b[place])
      sum += difference * difference
    }
    return (sum / Double(count)).squareRoot()
  }
}
