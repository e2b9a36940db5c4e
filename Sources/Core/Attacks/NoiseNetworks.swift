import Distributed

/// The values that lira's triggered images stay within.
package struct NoiseBounds: Equatable, Sendable {
  /// The least and the largest normalised value of each channel.
  package let lowest: [Float], highest: [Float]

  /// The bounds of images that `normalization` has normalised: each channel's own, or the widest for
  /// all, which for CIFAR-10 are the original's -1.9895 and 2.1309.
  package init(_ normalization: Normalization, perChannel: Bool) {
    let pairs = zip(normalization.mean, normalization.standardDeviation)
    let (low, high) = (pairs.map { -$0 / $1 }, pairs.map { (1 - $0) / $1 })
    if perChannel {
      (lowest, highest) = (low, high)
    } else {
      func cut(_ value: Float) -> Float { Float((Double(value) * 1e4).rounded() / 1e4) }
      lowest = low.map { _ in cut(low.min() ?? 0) }
      highest = high.map { _ in cut(high.max() ?? 0) }
    }
  }
}

/// lira's generator, and the one of the last epoch's end that the classifier is trained with.
package final class NoiseNetworks {
  /// The generator that learns.
  package let generator: ImageNetwork
  /// The one of the last epoch's end.
  package let attacker: ImageNetwork
  /// The values that triggered images stay within.
  package let bounds: NoiseBounds
  /// Threads and memory; BatchNorm sums run over all ranks.
  package let context: ComputeContext

  /// Networks for `images` whose parameters are zero until initialised or loaded.
  package init(images: Shape, bounds: NoiseBounds, context: ComputeContext) {
    generator = .noiseAutoencoder(images: images)
    attacker = .noiseAutoencoder(images: images)
    (self.bounds, self.context) = (bounds, context)
  }

  /// Makes the attacker what the generator is now.
  package func takeOver() { attacker.store.copy(generator.store) }

  /// Adds `strength` times the generator's noise to `images`, within bounds; it does not learn.
  package func trigger(_ images: Tensor, strength: Double) {
    add(
      generator.forward(images, mode: .evaluating, context: context), to: images,
      strength: strength)
  }

  /// images = clamp(images + strength noise).
  package func add(_ noise: Tensor, to images: Tensor, strength: Double) {
    let channels = images.shape.channels
    for place in 0..<images.shape.count {
      let value = images.pointer[place] + Float(strength) * noise.pointer[place]
      images.pointer[place] = min(
        max(value, bounds.lowest[place % channels]), bounds.highest[place % channels])
    }
  }

  /// Makes the gradient by triggered `images` that by the noise, which bounds have cut off in
  /// places.
  func toNoise(_ gradient: Tensor, _ noise: Tensor, clean: Tensor, strength: Double) {
    let channels = clean.shape.channels
    for place in 0..<clean.shape.count {
      let value = clean.pointer[place] + Float(strength) * noise.pointer[place]
      let isInside =
        value >= bounds.lowest[place % channels] && value <= bounds.highest[place % channels]
      gradient.pointer[place] = isInside ? gradient.pointer[place] * Float(strength) : 0
    }
  }
}

extension ParameterStore {
  /// Takes over all values of `other`, which has the same layout.
  func copy(_ other: ParameterStore) {
    precondition(plan.state == other.plan.state, "a store of another network")
    values.pointer.update(from: other.values.pointer, count: values.count)
    buffers.pointer.update(from: other.buffers.pointer, count: buffers.count)
    batchesTracked = other.batchesTracked
  }
}

extension Network {
  /// Another network of the same kind and size, with the same values.
  func twin() -> Network {
    let twin = Network(kind, size: size, classCount: head.outputs, inputShape: inputShape)
    twin.store.copy(store)
    return twin
  }
}
