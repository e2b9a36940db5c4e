/// ft-sam: fine-tuning by the gradient at weights that were first moved uphill.
///
/// Zhu et al., Enhancing Fine-tuning based Backdoor Defense with Sharpness-Aware Minimization, ICCV
/// 2023. The step is `SharpnessAwareStep`.
package struct SharpnessAwareTuning: Defence {
  package static let name = "ft-sam"
  package static let summary = "fine-tunes by the gradient at weights moved uphill"

  /// ρ at the full learning rate.
  var largestRadius = 2.0
  /// ρ at a learning rate of 0.
  var smallestRadius = 2.0
  /// The share of the target that is spread over the other classes.
  var labelSmoothing = 0.1
  /// How much of the first gradient across the second is taken away.
  var alpha = 0.0
  /// Whether weights are moved in proportion to their squares.
  var isAdaptive = true
  /// Whether a cosine falls with each step, to rise again after `cosine_t_max` of them.
  var fallsByStep = false
  /// The archive whose model is tuned; nil is the attack's.
  var startPath: String?

  package init() {}

  package static let fields: [ConfigField<Self>] = [
    .number("rho_max", \.largestRadius, .nonNegative).help(
      "How far weights are moved uphill at the full learning rate", "rho", in: .attack),
    .number("rho_min", \.smallestRadius, .nonNegative).help(
      "How far where it is 0", "rho", in: .attack),
    .number("label_smoothing", \.labelSmoothing, .belowOne).help(
      "The share of the target that is spread over the other classes", "share", in: .attack),
    .number("alpha", \.alpha, .finite).help(
      "How much of the first gradient across the second is taken away", "factor", in: .attack),
    .boolean("adaptive", \.isAdaptive).help(
      """
      Move weights in proportion to their squares; the original's flag of this name switches it \
      off (default: true)
      """, in: .attack),
    .boolean("cosine_by_step", \.fallsByStep).help(
      """
      As the original: the cosine falls with each step, and rises again after --cosine_t_max of \
      them, or 100; it then ends at the full rate after 100 epochs of 10 steps (default: false, it \
      falls with each epoch)
      """, in: .attack),
    .text("checkpoint_path", \.startPath, "an archive").role(.output).help(
      "The archive whose model is tuned, such as another defence's result (default: the attack's)",
      "file", in: .attack),
  ]

  package func place(_ settings: inout DefendConfiguration) throws {
    if let startPath { settings.shared.startPath = startPath }
  }

  package func purify(_ stage: DefenceStage) throws -> Purified {
    stage.tellOfPlainPasses()
    let shared = stage.shared
    let step = SharpnessAwareStep(
      stage.network,
      optimizer: SGD(
        for: stage.network.store, momentum: shared.momentum, weightDecay: shared.weightDecay),
      settings: self, fullRate: shared.learningRate, communicator: stage.communicator,
      context: stage.context)
    let schedule: LearningRateSchedule? =
      fallsByStep && shared.schedule == .cosine
      ? .cosineOfSteps(base: shared.learningRate, period: shared.cosineEpochs ?? 100) : nil
    var purified = Purified()
    purified.tables = [
      ("d-sam_df.csv", try stage.train(step, on: stage.images, schedule: schedule))
    ]
    return purified
  }
}
