import Distributed

/// ep: fine-tunes on images that truly carry the trigger, with their true labels, beside clean ones.
///
/// Min et al., Uncovering, Explaining, and Mitigating the Superficial Safety of Backdoor Defense,
/// NeurIPS 2024, who call it exact purification. An oracle: nobody who defends has such images. It
/// says how far fine-tuning can come at best.
package struct ExactPurification: Defence {
  package static let name = "ep"
  package static let summary =
    "an oracle, the upper bound: fine-tunes on truly triggered images with true labels"

  /// The triggered images beside the clean ones, as a share of these.
  var share = 1.0

  package init() {}

  package static let fields: [ConfigField<Self>] = [
    .number("triggered_ratio", \.share, .positiveShare).help(
      "Truly triggered images beside the clean ones, as a share of these, at most", "share",
      in: .attack)
  ]

  package func purify(_ stage: DefenceStage) throws -> Purified {
    stage.stage.tell(
      .warning("ep is an oracle: it is given triggered images with their true labels"))
    let telling = try TriggeredTrainingImages(stage: stage).telling()
    guard telling.images.count > 0 else { throw TriggeredImagesError.none }
    let order = Permutation.of(
      count: telling.images.count, seed: stage.shared.randomSeed, epoch: 0)
    let count = max(Int(Double(stage.images.count) * share), 1)
    var triggered = telling.images.selecting(Array(order.prefix(count)))
    triggered.labels = order.prefix(count).map { telling.originalLabels[$0] }
    let images = LabeledImages(
      pixels: stage.images.pixels + triggered.pixels,
      labels: stage.images.labels + triggered.labels, height: triggered.height,
      width: triggered.width, channels: triggered.channels, classNames: triggered.classNames)
    var purified = Purified()
    let step = stage.classifierStep(stage.network, imageCount: images.count)
    purified.tables = [("ep_df.csv", try stage.train(step, on: images))]
    purified.findings = [
      "an oracle: \(triggered.count) truly triggered images with true labels beside "
        + "\(stage.images.count) clean ones"
    ]
    return purified
  }
}
