import Distributed

/// i-bau: finds one change of all images that raises the clean loss, unlearns it, and again.
///
/// Zeng et al., Adversarial Unlearning of Backdoors via Implicit Hypergradient, ICLR 2022. Of the
/// hypergradient the direct part alone is computed, its first order: the implicit part, which needs
/// second derivatives, was 0.014 % of it in the original's run on a small model. The step is
/// `ImplicitUnlearningStep`.
package struct ImplicitUnlearning: Defence {
  package static let name = "i-bau"
  package static let summary =
    "unlearns a change of all images that raises the loss; first order, no implicit part"
  package static let optimizerName = "adam"

  /// How often a change is found and unlearned.
  var rounds = 5
  /// How far a batch moves the change along its gradient.
  package var length = 10.0
  /// What the change's squared norm counts in its loss.
  package var decay = 0.001
  /// The share of a batch's images that get the change, rounded down.
  package var share = 0.01

  package init() {}

  package static let fields: [ConfigField<Self>] = [
    .integer("n_rounds", \.rounds, 1...countLimit).help(
      "How often a change of images is found and unlearned", "n", in: .attack),
    .number("perturbed_ratio", \.share, .share).help(
      """
      The share of a batch's images that get the change, rounded down as in the original: of \
      batches below 100 images none at 0.01
      """, "share", in: .attack),
  ]

  package static func adjust(_ settings: inout DefendConfiguration) {
    (settings.shared.learningRate, settings.shared.weightDecay) = (1e-4, 0)
    settings.shared.schedule = .constant
  }

  package func purify(_ stage: DefenceStage) throws -> Purified {
    stage.tellOfPlainPasses()
    stage.stage.tell(
      .message("i-bau by the first order of its hypergradient, without the implicit part"))
    let step = ImplicitUnlearningStep(
      stage.network, settings: self, images: stage.loader(of: stage.images),
      optimizer: Adam(
        for: stage.network.store, weightDecay: stage.shared.weightDecay, amsgrad: true),
      communicator: stage.communicator, context: stage.context)
    let images = stage.augmentedOnce(stage.images)
    var purified = Purified()
    purified.tables = [
      ("i-bau_df.csv", try stage.train(step, on: images, epochs: rounds, augments: false))
    ]
    purified.findings = ["the first order alone: without the implicit part of the hypergradient"]
    return purified
  }
}
