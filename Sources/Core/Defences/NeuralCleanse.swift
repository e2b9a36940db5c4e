import Distributed

/// nc: reverses a trigger for each class, and unlearns those whose masks are far too small.
///
/// Wang et al., Neural Cleanse: Identifying and Mitigating Backdoor Attacks in Neural Networks, S&P
/// 2019. The original trains one model and saves another, untouched one; stamps are stretched and
/// wrap around. Here the trained one is saved, and a stamp is (1 - mask) x + mask pattern.
package struct NeuralCleanse: Defence {
  package static let name = "nc"
  package static let summary = "reverses each class's trigger, unlearns those that stand out"

  /// How triggers are reversed.
  var reversal = ReversalSettings()
  /// The share of the clean images that is stamped, for each class that stands out.
  var stampedShare = 0.2

  package init() {}

  package static let fields: [ConfigField<Self>] =
    ReversalSettings.fields.map { $0.within(\.reversal) } + [
      .number("unlearning_ratio", \.stampedShare, .share).help(
        "The share of the clean images that is stamped with the trigger of each class found",
        "share", in: .attack),
      .fixed("use_norm", .integer(1)).help(
        "The norm of the mask in the loss; 1 is the one there is", "n", in: .attack),
      .fixed("n_times_test", .integer(1)).help(
        "How often triggers are reversed; once, since draws have seeds", "n", in: .attack),
    ]

  package func purify(_ stage: DefenceStage) throws -> Purified {
    guard let triggers = try stage.reversedTriggers(reversal) else {
      throw DefenceStopped(position: TrainingPosition(), isSaved: false)
    }
    let verdict = ReversalVerdict(triggers, settings: reversal)
    var purified = Purified()
    purified.pictures = try Self.pictures(of: triggers, verdict: verdict)
    purified.tables = [("nc_norms.csv", Self.table(of: triggers, verdict: verdict))]
    purified.findings = [verdict.words]
    guard !verdict.flagged.isEmpty else {
      purified.findings.append("nothing to unlearn: the model stays as it is")
      return purified
    }
    stage.stage.tell(.message(verdict.words))
    let images = Self.stamped(
      stage.images, with: verdict.flagged.map { triggers[$0] }, share: stampedShare)
    let step = stage.classifierStep(stage.network, imageCount: images.count)
    purified.tables.append(("nc_df.csv", try stage.train(step, on: images)))
    return purified
  }

  /// The first of `images` as they are, and the last `share` of them with each of `triggers`; all
  /// keep their labels.
  package static func stamped(
    _ images: LabeledImages, with triggers: [ReversedTrigger], share: Double
  ) -> LabeledImages {
    let clean = images.count - Int(Double(images.count) * share)
    let last = images.selecting(Array(clean..<images.count))
    var result = images.selecting(Array(0..<clean))
    for trigger in triggers {
      let stamped = trigger.stamped(last)
      result = LabeledImages(
        pixels: result.pixels + stamped.pixels, labels: result.labels + stamped.labels,
        height: images.height, width: images.width, channels: images.channels,
        classNames: images.classNames)
    }
    return result
  }

  /// The sheet of all classes, and mask and pattern of each.
  private static func pictures(
    of triggers: [ReversedTrigger], verdict: ReversalVerdict
  ) throws -> [(name: String, image: RGBImage)] {
    let sheet = try ReversedTriggerSheet.image(of: triggers, verdict: verdict)
    return [("reversed_triggers.png", sheet)]
      + triggers.enumerated().flatMap { index, trigger in
        [
          ("mask_\(index).png", trigger.maskPicture),
          ("pattern_\(index).png", trigger.patternPicture),
        ]
      }
  }

  private static func table(
    of triggers: [ReversedTrigger], verdict: ReversalVerdict
  ) -> AttackDataFrame {
    var frame = AttackDataFrame(columns: ["class", "norm", "works", "deviations", "flagged"])
    for (index, trigger) in triggers.enumerated() {
      let distance = trigger.norm - verdict.median
      frame.append([
        .count(index), .number(trigger.norm), .count(trigger.works ? 1 : 0),
        .number(verdict.deviation > 0 ? distance / verdict.deviation : 0),
        .count(verdict.flagged.contains(index) ? 1 : 0),
      ])
    }
    return frame
  }
}

extension ReversalVerdict {
  /// The verdict on `triggers`, one a class.
  init(_ triggers: [ReversedTrigger], settings: ReversalSettings) {
    self.init(triggers.map(\.norm), takesLowerMedian: settings.takesLowerMedian)
    unreached = triggers.indices.filter { !triggers[$0].works }
  }
}

extension DefenceStage {
  /// The triggers of all classes of the network, on all ranks; nil where a signal has stopped it.
  func reversedTriggers(_ settings: ReversalSettings) throws -> [ReversedTrigger]? {
    stage.tell(
      .message(
        "reversing the triggers of \(images.classCount) classes, \(settings.epochs) epochs each at "
          + "most"))
    return try TriggerReversal(
      network: network, images: images, settings: settings, normalization: normalization,
      augmentation: shared.augmentation, batchSize: batchSize, seed: shared.randomSeed,
      stage: stage,
      context: ComputeContext(sharing: context, batchNormGroup: nil)
    ).run()
  }
}
