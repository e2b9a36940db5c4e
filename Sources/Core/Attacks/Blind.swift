import Distributed

/// blind: poisons the loss alone (Bagdasaryan and Shmatikov, Blind Backdoors, USENIX Security 2021).
///
/// Each batch is copied, given a pattern and relabelled, all images of it; the loss is a weighted sum
/// over both. The copies come in only once the loss of normal training is low.
package struct Blind: PixelAttack {
  package static let name = "blind"
  package static let summary = "a small pattern that the loss is poisoned with, not the images"

  /// How the two losses are weighed.
  enum Balance: String, CaseIterable, Sendable {
    /// By fixed weights.
    case fixed
    /// By the multiple gradient descent algorithm.
    case mgda = "MGDA"
  }

  /// What mgda divides each gradient by before it compares them.
  enum Normalizing: String, CaseIterable, Sendable {
    case l2, loss, none
    case lossTimesNorm = "loss+"
  }

  var balance = Balance.fixed
  var normalWeight = 1.0, backdoorWeight = 0.9
  var normalizing = Normalizing.lossTimesNorm
  var historyLength = 1000
  var threshold = 1.0
  /// Whether clean images and triggered copies are one batch.
  var joinsBatches = false
  var savesCopies = false

  package init() {}

  package static let trainingFields: [ConfigField<Self>] = [
    .choice("weight_loss_balance_mode", \.balance).help(
      "How the two losses are weighed: fixed, by the two weights; MGDA, by their gradients",
      in: .attack),
    .number("fix_scale_normal_weight", \.normalWeight, .nonNegative).help(
      "The fixed weight of the normal loss", "weight", in: .attack),
    .number("fix_scale_backdoor_weight", \.backdoorWeight, .nonNegative).help(
      "The fixed weight of the triggered copies' loss", "weight", in: .attack),
    .choice("mgda_normalize", \.normalizing).help(
      "What MGDA divides each gradient by", in: .attack),
    .integer("batch_history_len", \.historyLength, 0...BlindStep.memory).help(
      "Batches before the copies may come in", "n", in: .attack),
    .number("backdoor_batch_loss_threshold", \.threshold, .nonNegative).help(
      """
      The copies come in while the mean normal loss of the last 1000 batches is below it
      """, "loss", in: .attack),
    jointField(\.joinsBatches),
    copiesField(\.savesCopies),
  ]

  package func trigger(height: Int, width: Int) throws -> any Trigger {
    guard height >= 8, width >= 26 else { throw BlindError(height: height, width: width) }
    return BlindTrigger()
  }

  package func prepare(_ stage: AttackStage) throws -> Preparation {
    let configuration = stage.configuration
    let trigger = try stage.communicator.together {
      try self.trigger(height: stage.height, width: stage.width)
    }
    let (poison, data) = try stage.loopPoison(trigger: trigger)
    var preparation = Preparation(data)
    preparation.dropsLastBatch = false
    let rule = PixelRule(stage.normalization, rounds: true)
    preparation.step = {
      BlindStep($0, settings: self, labels: poison.labels, rule: rule, isPoisoned: poison.ratio > 0)
    }
    if savesCopies {
      preparation.trainedImages = { _ in
        try .triggeredCopies(data.train, trigger, poison: poison, configuration: configuration)
      }
    }
    return preparation
  }
}

extension Attack {
  /// The key by which clean and triggered images pass through the network as one batch.
  static func jointField(
    _ path: WritableKeyPath<Self, Bool> & Sendable
  ) -> ConfigField<Self> {
    .boolean("joint_batches", path).help(
      """
      Let clean and triggered images pass as one batch; the original's pass one after the other, \
      each with BatchNorm's statistics of its own, and the running ones suit neither (default: \
      false)
      """, in: .attack)
  }

  /// The key under which triggered copies of training images are archived.
  static func copiesField(
    _ path: WritableKeyPath<Self, Bool> & Sendable
  ) -> ConfigField<Self> {
    .boolean("save_bd_train", path).help(
      """
      Archive triggered copies of --pratio of the training images, which the original leaves out: \
      with them defences can look at poisoned training images (default: false)
      """, in: .attack)
  }
}

extension PoisonedDataset {
  /// `train` with triggers in as many images as the settings' share says.
  static func triggeredCopies(
    _ train: PoisonedDataset, _ trigger: any Trigger, poison: LoopPoison,
    configuration: AttackConfiguration
  ) throws -> PoisonedDataset {
    let chosen = try PoisonPlan.indices(
      labels: train.images.labels, ratio: poison.ratio, target: configuration.attackTarget,
      cleanLabel: false, seed: UInt32(truncatingIfNeeded: poison.seed))
    return .train(
      train.images, poisoned: chosen, trigger: trigger, labels: poison.labels,
      originalIndices: train.originalIndices)
  }
}

/// blind's pattern: black and white pixels in rows 3 to 7 and columns 23 to 25.
package struct BlindTrigger: Trigger {
  /// Its pixels: row, column and value.
  package static let pixels: [(row: Int, column: Int, value: UInt8)] = [
    (3, 23, 255), (3, 24, 0), (3, 25, 255), (4, 24, 255), (5, 25, 0), (6, 24, 255), (7, 23, 255),
    (7, 24, 0), (7, 25, 255),
  ]

  /// The pattern.
  package init() {}

  package func apply(
    to image: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int,
    image place: TriggeredImage
  ) {
    let channels = image.count / (height * width)
    for (row, column, value) in Self.pixels {
      for c in 0..<channels { image[(row * width + column) * channels + c] = value }
    }
  }

  /// The same on a normalised image of `shape`.
  package func apply(
    to image: UnsafeMutablePointer<Float>, _ shape: Shape, by rule: PixelRule
  ) {
    for (row, column, value) in Self.pixels {
      for c in 0..<shape.channels {
        image[(row * shape.width + column) * shape.channels + c] = rule.normalized(
          value, channel: c)
      }
    }
  }
}

/// Images too small for blind's pattern.
struct BlindError: Error, Equatable, Sendable, CustomStringConvertible, UserMistake {
  let height: Int, width: Int
  let isUserMistake = true

  /// One line: what was expected and found.
  var description: String {
    "img_size: expected at least 8 rows and 26 columns for blind's pattern, found \(height)x\(width)"
  }
}

extension AttackName {
  /// blind.
  package static let blind = AttackName(Blind.self)
}
