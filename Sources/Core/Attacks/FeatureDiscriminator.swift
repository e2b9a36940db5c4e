import Distributed

/// Tells the features of poisoned images from those of clean ones: h [N, F] → p [N].
///
/// linear F-256, BatchNorm, LeakyReLU 0.2, linear 256-128, BatchNorm, LeakyReLU 0.2, linear 128-1,
/// sigmoid.
package final class FeatureDiscriminator {
  /// The network up to the sigmoid.
  package let network: ImageNetwork
  /// Its parameters.
  package var store: ParameterStore { network.store }

  /// What it makes of features.
  package struct Judgement {
    /// The sum of the images' losses.
    package var lossSum: Double
    /// Its p of each image.
    package var probabilities: [Float]
    /// The gradient of the mean loss by the features: [N, 1, 1, F].
    package var featureGradient: Tensor
  }

  /// A discriminator of `features` features, its parameters drawn by `seed`.
  package init(features: Int, seed: UInt64) {
    network = ImageNetwork(
      inputShape: Shape(batch: 0, height: 1, width: 1, channels: features)
    ) { trunk in
      func linear(_ name: String, _ outputs: Int) {
        trunk.add { shape, plan in
          HiddenLayerBlock(
            name, inputs: shape.channels, outputs: outputs, activation: .none, dropout: 0, index: 0,
            plan: &plan)
        }
      }
      func normalize(_ name: String) {
        trunk.add { shape, plan in
          NormalizationBlock(name, input: shape, activation: .leakyReLU, plan: &plan)
        }
      }
      linear("fc1", 256)
      normalize("bn1")
      linear("fc2", 128)
      normalize("bn2")
      linear("fc3", 1)
    }
    Initializer.initialize(network.store, seed: seed, purpose: .discriminator)
  }

  /// Judges `features` [N, 1, 1, F] and adds the gradients of the mean loss over `globalCount`
  /// images to the store.
  ///
  /// Running statistics move `passes` times: once for each time that it is asked about the same
  /// features.
  package func judge(
    _ features: Tensor, isPoisoned: [Bool], globalCount: Int, passes: Int = 1,
    hooks: PassHooks = PassHooks(), context: ComputeContext
  ) -> Judgement {
    precondition(features.shape.batch == isPoisoned.count, "\(features.shape)")
    var answers = network.forward(features, mode: .training, context: context)
    for _ in 1..<passes {
      answers = network.forward(features, mode: .training, context: context)
    }
    var judgement = Judgement(
      lossSum: 0, probabilities: [], featureGradient: Tensor(features.shape))
    let gradient = Tensor(answers.shape)
    for (image, isTrue) in isPoisoned.enumerated() {
      let result = BinaryCrossEntropy.clamped(logit: answers.pointer[image], isTrue)
      judgement.lossSum += result.loss
      judgement.probabilities.append(BinaryCrossEntropy.probability(answers.pointer[image]))
      gradient.pointer[image] = result.slope / Float(globalCount)
    }
    network.backward(
      gradient, reach: .all(judgement.featureGradient), hooks: hooks, context: context)
    return judgement
  }
}
