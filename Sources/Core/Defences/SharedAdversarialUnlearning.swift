/// sau: unlearns examples that fool the attacked and the current network into the same wrong class.
///
/// Wei et al., Shared Adversarial Unlearning, NeurIPS 2023. Such examples stand in for triggered
/// images. Both networks evaluate throughout: running statistics never move. The step is
/// `SharedAdversarialStep`.
package struct SharedAdversarialUnlearning: Defence {
  package static let name = "sau"
  package static let summary = "unlearns adversarial examples that two networks share"
  package static let optimizerName = "adam"

  package var rounds = 100
  /// The largest change of a pixel value, 0...1.
  package var extent = 0.2
  /// A move of a pixel value.
  package var length = 0.2
  /// Moves, at most.
  package var moves = 5
  package var adversarialWeight = 0.01
  package var divergenceWeight = 1.0
  package var cleanWeight = 1.0
  package var adversarialTrainingWeight = 0.0
  package var unlearningWeight = 1.0
  /// Steps of the network along each batch.
  package var outerSteps = 1

  package init() {}

  package static let fields: [ConfigField<Self>] =
    [
      .integer("n_rounds", \.rounds, 1...countLimit).help(
        "Passes over the clean images", "n", in: .attack)
    ] + searchFields + lossFields

  private static let searchFields: [ConfigField<Self>] = [
    .number("trigger_norm", \.extent, .share).help(
      "The largest change of a pixel value, as a share of 255", "share", in: .attack),
    .number("adv_lr", \.length, .share).help("A move of it, likewise", "share", in: .attack),
    .integer("adv_steps", \.moves, 0...countLimit).help("Moves, at most", "n", in: .attack),
    .number("beta_1", \.adversarialWeight, .finite).help(
      "The weight of fooling in the search", "factor", in: .attack),
    .number("beta_2", \.divergenceWeight, .finite).help(
      "That of fooling both networks alike", "factor", in: .attack),
    .fixed("norm_type", .text("L_inf")).help(
      "The norm of a change; L_inf is the one there is", "name", in: .attack),
    .fixed("pgd_init", .text("max")).help(
      "Where the search starts; max, all values raised, is the one there is", "name", in: .attack),
  ]

  private static let lossFields: [ConfigField<Self>] = [
    .number("lmd_1", \.cleanWeight, .finite).help(
      "The weight of the clean images' loss", "factor", in: .attack),
    .number("lmd_2", \.adversarialTrainingWeight, .finite).help(
      "That of the changed images' loss", "factor", in: .attack),
    .number("lmd_3", \.unlearningWeight, .finite).help(
      "That of unlearning the shared class", "factor", in: .attack),
    .integer("outer_steps", \.outerSteps, 1...countLimit).help(
      "Steps along each batch", "n", in: .attack),
    .fixed("adam_betas", .list([.real(0.9), .real(0.999)])).help(
      "Adam's averages; 0.9 and 0.999 are the ones there are", "shares", in: .accepted),
  ]

  package static func adjust(_ settings: inout DefendConfiguration) {
    (settings.shared.learningRate, settings.shared.weightDecay) = (1e-4, 0)
  }

  package func purify(_ stage: DefenceStage) throws -> Purified {
    stage.tellOfPlainPasses()
    let step = SharedAdversarialStep(
      stage.network, attacked: stage.copyOfNetwork(), settings: self,
      normalization: stage.normalization,
      optimizer: Adam(
        for: stage.network.store, weightDecay: stage.shared.weightDecay, amsgrad: true),
      communicator: stage.communicator, context: stage.context)
    var purified = Purified()
    purified.tables = [
      (
        "sau_df.csv",
        try stage.train(
          step, on: stage.images, epochs: rounds,
          schedule: .constant(base: stage.shared.learningRate))
      )
    ]
    return purified
  }
}
