import Distributed

/// pam: unlearns reversed triggers by the gradient at weights moved back towards the attacked model.
///
/// Min et al., Uncovering, Explaining, and Mitigating the Superficial Safety of Backdoor Defense,
/// NeurIPS 2024. There triggers come from the generator of BTI-DBF; here from nc's masks and patterns,
/// which is named in what is reported. The step is `PathAwareStep`.
package struct PathAwareMinimization: Defence {
  package static let name = "pam"
  package static let summary =
    "unlearns nc's reversed triggers by gradients nearer to the attacked model"

  /// How triggers are reversed.
  var reversal = ReversalSettings()
  /// The passes over the clean images.
  var epochs = 30
  /// How far weights are moved towards the attacked ones.
  package var radius = 0.5
  /// The share of a batch's images that get a reversed trigger; one more does.
  package var share = 0.2

  package init() {}

  package static let fields: [ConfigField<Self>] =
    ReversalSettings.fields.map { $0.within(\.reversal) } + [
      .integer("ul_round", \.epochs, 1...countLimit).help(
        "Passes over the clean images to unlearn the reversed triggers", "n", in: .attack),
      .number("rho", \.radius, .nonNegative).help(
        "How far weights are moved towards the attacked model for each gradient", "rho",
        in: .attack),
    ] + idleKeys.map(idle)

  /// Keys of BTI-DBF's generator, which is not here.
  static let idleKeys = ["mround", "uround", "nround", "norm_bound", "feat_bound"]

  private static func idle(_ key: String) -> ConfigField<Self> {
    ConfigField(
      key: key, expected: "a number of at least 0",
      assign: { value, _ in value.number(.nonNegative) != nil }, value: { _ in .null },
      role: .output
    ).form(.number).help(
      "Accepted; of BTI-DBF's generator, in whose place nc reverses triggers", "x", in: .attack)
  }

  package static func adjust(_ settings: inout DefendConfiguration) {
    (settings.shared.batchSize, settings.shared.momentum) = (128, 0.1)
    (settings.shared.weightDecay, settings.shared.schedule) = (0, .constant)
  }

  package func purify(_ stage: DefenceStage) throws -> Purified {
    stage.tellOfPlainPasses()
    guard let triggers = try stage.reversedTriggers(reversal) else {
      throw DefenceStopped(position: TrainingPosition(), isSaved: false)
    }
    let verdict = ReversalVerdict(triggers, settings: reversal)
    let smallest = triggers.indices.min { triggers[$0].norm < triggers[$1].norm }
    let isFound = !verdict.flagged.isEmpty
    let classes = isFound ? verdict.flagged : [smallest ?? 0]
    let names = classes.map { "\($0)" }.joined(separator: ", ")
    let source =
      "reversed images by nc, not BTI-DBF's generator: the trigger of class \(names)"
      + (!isFound ? ", whose mask is the smallest, though none stands out" : "")
    stage.stage.tell(.message(source))
    let step = PathAwareStep(
      stage.network, attacked: stage.network.store.values.array,
      triggers: classes.map { triggers[$0] }, settings: self,
      normalization: stage.normalization,
      optimizer: SGD(
        for: stage.network.store, momentum: stage.shared.momentum,
        weightDecay: stage.shared.weightDecay),
      communicator: stage.communicator, context: stage.context)
    var purified = Purified()
    purified.pictures = [
      ("reversed_triggers.png", try ReversedTriggerSheet.image(of: triggers, verdict: verdict))
    ]
    purified.tables = [("pam_df.csv", try stage.train(step, on: stage.images, epochs: epochs))]
    purified.findings = [source]
    return purified
  }
}
