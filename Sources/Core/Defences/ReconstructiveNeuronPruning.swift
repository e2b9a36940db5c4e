/// rnp: prunes channels that recovering an unlearned network does without.
///
/// Li et al., Reconstructive Neuron Pruning for Backdoor Defense, ICML 2023. A copy unlearns the clean
/// images, by steps up their loss; masks on the copy's channels are learned that make up for it; then
/// the attacked network is pruned, γ = 0, where a mask is small. The original limits the gradient
/// before it is there, which has no effect, and is left out.
package struct ReconstructiveNeuronPruning: Defence {
  package static let name = "rnp"
  package static let summary = "prunes channels that recovering an unlearned network does without"

  package var unlearningRate = 0.01
  package var unlearningEpochs = 20
  package var milestones = [10, 20]
  package var cleanThreshold = 0.2
  package var recoveringRate = 0.2
  package var recoveringEpochs = 20
  package var alpha = 0.2
  package var way = PruningWay.threshold
  package var limit = 0.7

  package init() {}

  package static let fields: [ConfigField<Self>] = [
    .number("unlearning_lr", \.unlearningRate, .nonNegative).help(
      "The learning rate of unlearning", "rate", in: .attack),
    .integer("unlearning_epochs", \.unlearningEpochs, 1...countLimit).help(
      "Its epochs, at most", "n", in: .attack),
    .integers("schedule", \.milestones, 0...countLimit).help(
      "Epochs after which its learning rate is a tenth", "epochs", in: .attack),
    .number("clean_threshold", \.cleanThreshold, .share).help(
      "It ends after an epoch of this accuracy or less", "share", in: .attack),
    .number("recovering_lr", \.recoveringRate, .nonNegative).help(
      "The learning rate of the masks", "rate", in: .attack),
    .integer("recovering_epochs", \.recoveringEpochs, 1...countLimit).help(
      "Their epochs", "n", in: .attack),
    .number("alpha", \.alpha, .nonNegative).help(
      "The weight of their loss", "factor", in: .attack),
    .choice("pruning_by", \.way).help(
      "Whether --pruning_number is a threshold of the masks or a number of channels", in: .attack),
    .number("pruning_number", \.limit, .nonNegative).help(
      "Prune up to this threshold or number (rnp's default: 0.7)", "x", in: .attack),
  ]

  package static func adjust(_ settings: inout DefendConfiguration) {
    settings.shared.splitRatio = 0.01
  }

  package func purify(_ stage: DefenceStage) throws -> Purified {
    stage.tellOfPlainPasses()
    let copy = stage.copyOfNetwork()
    let unlearning = try unlearn(copy, stage)
    let masks = NeuronMasks(copy)
    let step = NeuronMaskStep(
      masks, .init(natural: alpha),
      optimizer: SGD(for: masks.store, momentum: stage.shared.momentum, weightDecay: 0),
      communicator: stage.communicator, context: stage.context)
    let recovering = try stage.train(
      step, on: stage.images, epochs: recoveringEpochs, phase: "defend rnp, recovering",
      schedule: .constant(base: recoveringRate))
    let order = masks.order
    let count = way.count(limit, in: order)
    order.prune(count, in: stage.network.store)
    var purified = Purified()
    purified.tables = [("unlearning.csv", unlearning), ("recovering.csv", recovering)]
    purified.findings = [
      "pruned \(count) of \(order.neurons.count) channels, up to \(way.rawValue) "
        + "\(limit.pythonRepr)"
    ]
    return purified
  }

  /// Steps up the loss until the accuracy is low.
  private func unlearn(_ network: Network, _ stage: DefenceStage) throws -> AttackDataFrame {
    let step = stage.classifierStep(
      network, imageCount: stage.images.count,
      optimizer: .ascending(
        SGD(
          for: network.store, momentum: stage.shared.momentum,
          weightDecay: stage.shared.weightDecay)))
    return try stage.train(
      step, on: stage.images, epochs: unlearningEpochs, phase: "defend rnp, unlearning",
      schedule: .multiStep(base: unlearningRate, milestones: milestones, gamma: 0.1),
      keepsState: false, isEnough: { ($0.counts.accuracy ?? 0) <= cleanThreshold })
  }
}
