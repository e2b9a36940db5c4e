/// A data-poisoning attack whose features are to give it away to no detector (Tan and Shokri,
/// Bypassing Backdoor Detection Algorithms in Deep Learning, 2020): the trigger of another attack,
/// and a discriminator that the classifier is trained against; see `BypassStep`.
package protocol Bypass: PixelAttack {
  /// How much the discriminator's loss counts.
  var ratio: Double { get set }
}

extension Bypass {
  /// The key of the ratio.
  static func ratioField(_ path: ConfigField<Self>.Path<Double>) -> ConfigField<Self> {
    .number("regularization_ratio", path, .nonNegative).help(
      "How much it counts that a discriminator cannot tell poisoned from clean features", "factor",
      in: .attack)
  }

  package func prepare(_ stage: AttackStage) throws -> Preparation {
    var preparation = try stage.preparation(
      trigger: trigger(height: stage.height, width: stage.width))
    let seed = stage.configuration.randomSeed
    preparation.step = { base in
      BypassStep(
        base,
        discriminator: FeatureDiscriminator(features: base.classifier.head.inputs, seed: seed),
        ratio: ratio)
    }
    return preparation
  }
}

/// badnet_bypass: badnet's patch.
package struct BadNetBypass: Bypass {
  package static let name = "badnet_bypass"
  package static let summary = "badnet's patch, with features that a discriminator cannot tell"

  /// The patch.
  package var patch = BadNet()
  package var ratio = 20.0

  package init() {}

  package static let triggerFields = BadNet.triggerFields.map { $0.within(\Self.patch) }
  package static let trainingFields = [ratioField(\.ratio)]

  package func trigger(height: Int, width: Int) throws -> any Trigger {
    try patch.trigger(height: height, width: width)
  }
}

/// blend_bypass: blended's picture.
package struct BlendBypass: Bypass {
  package static let name = "blend_bypass"
  package static let summary = "blended's picture, with features that a discriminator cannot tell"

  /// The picture and its weights.
  package var picture = Blended()
  package var ratio = 20.0

  package init() {}

  package static let triggerFields = Blended.triggerFields.map { $0.within(\Self.picture) }
  package static let trainingFields =
    Blended.trainingFields.map { $0.within(\Self.picture) } + [ratioField(\.ratio)]

  package func trigger(height: Int, width: Int) throws -> any Trigger {
    try picture.trigger(height: height, width: width)
  }
}
