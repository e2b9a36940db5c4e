import Core

/// head-decay: fine-tuning after the head's weights are made smaller.
package struct HeadDecay: Defence {
  package static let name = "head-decay"
  package static let summary = "fine-tuning after the head's weights are made smaller"

  /// What the weights are multiplied with.
  var factor = 0.5

  package init() {}

  package static let fields: [ConfigField<Self>] = [
    .number("decay_factor", \.factor, .share).help(
      "What the head's weights are multiplied with before", "share", in: .attack)
  ]

  /// Fewer epochs than other defences take, unless they are given.
  package static func adjust(_ settings: inout DefendConfiguration) {
    settings.shared.epochs = 10
  }

  package func purify(_ stage: DefenceStage) throws -> Purified {
    let (store, weight) = (stage.network.store, stage.network.head.weight)
    for place in weight.range { store.values.pointer[place] *= Float(factor) }
    let step = stage.classifierStep(stage.network, imageCount: stage.images.count)
    let frame = try stage.train(step, on: stage.images)
    var purified = Purified()
    purified.tables = [("\(Self.name)_df.csv", frame)]
    purified.findings = ["trained on \(stage.images.count) clean images"]
    return purified
  }
}
