import Distributed

/// i-bau: finds one change of all images that raises the clean loss, unlearns it, and again.
///
/// Zeng et al., Adversarial Unlearning of Backdoors via Implicit Hypergradient, ICLR 2022. The implicit
/// part of the hypergradient is exact for networks that are linear but for ReLUs; of others, or with
/// `first_order`, the direct part alone is taken, which is said. The step is `ImplicitUnlearningStep`,
/// the implicit part `ImplicitGradient`.
package struct ImplicitUnlearning: Defence {
  package static let name = "i-bau"
  package static let summary =
    "unlearns a change of all images that raises the loss, by an implicit gradient"
  package static let optimizerName = "adam"

  /// How often a change is found and unlearned.
  var rounds = 5
  /// How far a batch moves the change along its gradient.
  package var length = 10.0
  /// What the change's squared norm counts in its loss.
  package var decay = 0.001
  /// The share of a batch's images that get the change, rounded down.
  package var share = 0.01
  /// The products by which the implicit part is found.
  package var products = 5
  /// The rate of the inner step that it is taken of.
  package var innerRate = 0.1
  /// Whether the implicit part is left out.
  package var isFirstOrder = false

  package init() {}

  package static let fields: [ConfigField<Self>] = [
    .integer("n_rounds", \.rounds, 1...countLimit).help(
      "How often a change of images is found and unlearned", "n", in: .attack),
    .number("perturbed_ratio", \.share, .share).help(
      """
      The share of a batch's images that get the change, rounded down as in the original: of \
      batches below 100 images none at 0.01
      """, "share", in: .attack),
    .integer("K", \.products, 0...countLimit).help(
      "Products by which the implicit part of the gradient is found", "n", in: .attack),
    .boolean("first_order", \.isFirstOrder).help(
      "Leave the implicit part of the gradient out (default: false)", in: .attack),
  ]

  package static func adjust(_ settings: inout DefendConfiguration) {
    (settings.shared.learningRate, settings.shared.weightDecay) = (1e-4, 0)
    settings.shared.schedule = .constant
  }

  package func purify(_ stage: DefenceStage) throws -> Purified {
    stage.tellOfPlainPasses()
    let images = stage.augmentedOnce(stage.images)
    let order = order(of: stage.network)
    if let order { stage.stage.tell(.message(order)) }
    let step = ImplicitUnlearningStep(
      stage.network, settings: self, images: stage.loader(of: stage.images),
      optimizer: Adam(
        for: stage.network.store, weightDecay: stage.shared.weightDecay, amsgrad: true),
      communicator: stage.communicator, context: stage.context)
    if order == nil {
      step.takeInnerBatch(stage.loader(of: images, augments: false))
    }
    var purified = Purified()
    purified.tables = [
      ("i-bau_df.csv", try stage.train(step, on: images, epochs: rounds, augments: false))
    ]
    purified.findings = order.map { [$0] } ?? []
    return purified
  }

  /// A line where the implicit part is left out, and why; nil where it is not.
  private func order(of network: Network) -> String? {
    let why = isFirstOrder ? "as asked for" : "which \(network.kind.rawValue) has no tangents for"
    guard isFirstOrder || !network.hasTangents else { return nil }
    return "the first order alone, without the implicit part of the hypergradient, \(why)"
  }
}
