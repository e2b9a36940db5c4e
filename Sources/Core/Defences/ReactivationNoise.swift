import Distributed

/// The noise that qra asks networks with: a network of four linear layers from an image to ±strength of
/// each of its pixel values, 0...1 being their range.
///
/// x' = normalise(clip(pixels of x + strength tanh(…), 0, 1)). Shapes: images, noise [N, H, W, C].
package final class ReactivationNoise {
  /// The network, whose outputs are -1...1: [N, 1, 1, H W C].
  package let generator: ImageNetwork
  private let strength: Float
  private let normalization: Normalization
  private let context: ComputeContext
  private var outputs: Tensor
  /// Where the last `apply` has left pixel values within their range.
  private var isInside: [Bool] = []

  /// Noise of ±`strength` by layers of `planes` values.
  package init(
    images: Shape, planes: Int = 1024, strength: Double, normalization: Normalization,
    context: ComputeContext
  ) {
    generator = ImageNetwork.reactivation(images: images, planes: planes)
    (self.strength, self.normalization, self.context) = (Float(strength), normalization, context)
    outputs = Tensor(generator.outputShape)
  }

  /// `images` with the noise, as networks' inputs.
  package func apply(to images: Tensor, mode: PassMode, hooks: PassHooks = PassHooks()) -> Tensor {
    outputs = generator.forward(images, mode: mode, hooks: hooks, context: context)
    let result = Tensor(images.shape)
    let (mean, deviation) = (normalization.mean, normalization.standardDeviation)
    isInside = [Bool](repeating: true, count: images.shape.count)
    for place in 0..<images.shape.count {
      let channel = place % mean.count
      let pixel =
        images.pointer[place] * deviation[channel] + mean[channel]
        + min(max(strength * outputs.pointer[place], -strength), strength)
      isInside[place] = 0...1 ~= pixel
      result.pointer[place] = (min(max(pixel, 0), 1) - mean[channel]) / deviation[channel]
    }
    return result
  }

  /// Adds the gradients of the network's parameters, given that by the images of the last `apply`.
  package func backward(_ gradient: Tensor, hooks: PassHooks = PassHooks()) {
    let deviation = normalization.standardDeviation
    let slopes = Tensor(outputs.shape)
    for place in 0..<gradient.shape.count where isInside[place] {
      slopes.pointer[place] =
        gradient.pointer[place] * strength / deviation[place % deviation.count]
    }
    generator.backward(slopes, hooks: hooks, context: context)
  }
}

extension ImageNetwork {
  /// Linear layers from all values of an image to as many of -1...1, by way of `planes` values three
  /// times: ReLU between, tanh at the end.
  package static func reactivation(images: Shape, planes: Int) -> ImageNetwork {
    let size = images.withBatch(1).count
    let layers = [
      ("encoder_hidden_layer", size, planes), ("encoder_output_layer", planes, planes),
      ("decoder_hidden_layer", planes, planes), ("decoder_output_layer", planes, size),
    ]
    return ImageNetwork(inputShape: images) { trunk in
      for (index, (name, inputs, outputs)) in layers.enumerated() {
        trunk.add { _, plan in
          HiddenLayerBlock(
            name, inputs: inputs, outputs: outputs,
            activation: index == layers.count - 1 ? .none : .relu, dropout: 0, index: index,
            plan: &plan)
        }
      }
      trunk.add { shape, _ in TanhBlock(input: shape) }
    }
  }
}
