import Distributed

/// nad: trains the network to look where a fine-tuned copy of it looks.
///
/// Li et al., Neural Attention Distillation, ICLR 2021. The teacher is the attacked network after a
/// plain fine-tuning; the student, the attacked network, is trained on the cross-entropy and the
/// distances of attention maps (`AttentionStep`).
package struct AttentionDistillation: Defence {
  package static let name = "nad"
  package static let summary = "distils the attention maps of a fine-tuned copy"

  /// Epochs of the teacher, and of the student.
  package var epochs = 10
  /// The power of a map's values.
  package var power = 2.0
  /// The weights of the distances.
  package var weights = [500.0, 1000, 1000]
  /// Which maps are compared.
  package var maps = AttentionMaps.stages

  package init() {}

  package static let fields: [ConfigField<Self>] = [
    .integer("te_epochs", \.epochs, 1...countLimit).help(
      "Epochs of the teacher, and of the student as in the original", "n", in: .attack),
    .number("p", \.power, .atLeastOne).help("The power of a map's values", "power", in: .attack),
    .number("beta1", \.weights[0], .nonNegative).help(
      "The weight of the first map's distance", "factor", in: .attack),
    .number("beta2", \.weights[1], .nonNegative).help(
      "That of the second", "factor", in: .attack),
    .number("beta3", \.weights[2], .nonNegative).help("That of the third", "factor", in: .attack),
    .choice("nad_maps", \.maps).help(
      """
      Which maps are compared: stages, the outputs of layer2, layer3 and layer4, or of a network \
      without them the last of its three smallest sizes above a pixel; published, as \
      BackdoorBench's code does with preactresnet18: layer3 and layer4 with --beta1 and --beta2, \
      running statistics moving once for each of its passes; its third map is constant
      """, in: .attack),
  ]

  package func purify(_ stage: DefenceStage) throws -> Purified {
    stage.tellOfPlainPasses()
    let taps = try stage.communicator.together { try self.taps(in: stage.network) }
    let teacher = stage.copyOfNetwork()
    let plain = stage.classifierStep(teacher, imageCount: stage.images.count)
    var purified = Purified()
    purified.tables = [
      (
        "teacher.csv",
        try stage.train(
          plain, on: stage.images, epochs: epochs, phase: "defend nad, teacher",
          schedule: stage.shared.learningRateSchedule, keepsState: false)
      )
    ]
    let step = AttentionStep(
      stage.network, teacher: teacher, taps: taps, power: power,
      repeats: repeats(of: stage.network),
      optimizer: SGD(
        for: stage.network.store, momentum: stage.shared.momentum,
        weightDecay: stage.shared.weightDecay),
      communicator: stage.communicator, context: stage.context)
    purified.tables.append(
      (
        "nad_df.csv",
        try stage.train(
          step, on: stage.images, epochs: epochs, phase: "defend nad, student",
          schedule: .levels([
            RateLevel(from: 0, stage.shared.learningRate), RateLevel(from: 2, 0.01),
            RateLevel(from: 20, 1e-4),
          ]))
      ))
    return purified
  }

  /// The maps that are compared in `network`.
  package func taps(in network: Network) throws -> [AttentionTap] {
    guard maps == .stages || network.kind == .preactresnet18 else {
      throw ConfigError.invalidValue(
        key: "nad_maps", origin: .flag, expected: "stages, for another network than preactresnet18",
        found: maps.rawValue)
    }
    let stages = maps == .stages ? ["layer2.", "layer3.", "layer4."] : ["layer3.", "layer4."]
    var blocks = stages.compactMap(network.lastBlock(named:))
    // Networks without such stages have sizes of maps, one a stage.
    if blocks.count < stages.count { blocks = network.lastBlocks(ofSmallestMaps: stages.count) }
    return zip(blocks, weights).map { AttentionTap(block: $0, weight: $1) }
  }

  /// How often the published code's passes move the running statistics of a batch, by the beginning
  /// of a layer's name.
  package func repeats(of network: Network) -> [(prefix: String, count: Int)] {
    maps == .published ? [("layer1.", 4), ("layer2.", 4), ("layer3.", 4), ("layer4.", 3)] : []
  }
}

/// Which attention maps nad compares.
package enum AttentionMaps: String, CaseIterable, Sendable {
  case stages, published
}
