import Distributed

/// The data of one attack: what it trains on, what it is judged by, and where it came from.
public struct AttackData: Sendable {
  /// The training set, triggered and relabelled in part.
  public internal(set) var train: PoisonedDataset
  /// The triggered test set.
  public internal(set) var triggeredTest: PoisonedDataset
  /// The clean test images.
  public let cleanTest: LabeledImages
  /// Images in the dataset's whole training set, of which a held-out split leaves some out.
  public let wholeTrainingCount: Int

  /// Whether training images are poisoned before the first step, rather than batch by batch.
  let poisonsTraining: Bool

  /// What the user should know of the dataset, one line each.
  let warnings: [String]

  /// The seed of the synthetic dataset: one for all commands, so that they see the same images.
  static let syntheticSeed: UInt64 = 0

  /// Splits `dataset` as `configuration` says and puts `trigger` into images; the same on every rank.
  ///
  /// Into training images only where `poisonsTraining` holds; into no test image without a trigger.
  /// Where nobody else has the training images, they are poisoned in place. Throws `PoisonError` or
  /// `TuningSetError`, one line each.
  package init(
    _ configuration: AttackConfiguration, dataset: consuming DatasetPair,
    trigger: (any Trigger)?, poisonsTraining: Bool = true
  ) throws {
    self.poisonsTraining = poisonsTraining
    (cleanTest, warnings) = (dataset.test, dataset.warnings)
    wholeTrainingCount = dataset.train.count
    var clean = dataset.train
    _ = consume dataset
    let labels = try LabelTransform(
      configuration.labelTransform, target: configuration.attackTarget,
      classCount: clean.classCount)
    let split = try Self.split(configuration, clean)
    if split.count != clean.count { clean = clean.selecting(split) }
    let poisoned =
      poisonsTraining ? try Self.poisoned(configuration, labels: clean.labels) : []
    train = PoisonedDataset.train(
      consume clean, poisoned: poisoned, trigger: trigger ?? NoTrigger(), labels: labels,
      originalIndices: split)
    let test = cleanTest
    triggeredTest =
      trigger.map { PoisonedDataset.test(test, trigger: $0, labels: labels) }
      ?? PoisonedDataset(
        images: test.selecting([]), originalLabels: [], isPoisoned: [], originalIndices: [])
  }

  /// The positions in `train`, a whole training set, that the attack trains on.
  static func split(
    _ configuration: AttackConfiguration, _ train: LabeledImages
  ) throws -> [Int] {
    let split = TuningSet.indices(
      configuration.tuningSplit, labels: train.labels, classCount: train.classCount,
      ratio: configuration.splitRatio, seed: Int(configuration.randomSeed))
    guard configuration.tuningSplit == .random || !split.tuning.isEmpty && !split.attack.isEmpty
    else { throw TuningSetError(ratio: configuration.splitRatio, isHeldOut: true) }
    return split.attack
  }

  /// The positions among images of `labels` that are poisoned.
  static func poisoned(_ configuration: AttackConfiguration, labels: [Int]) throws -> [Int] {
    try PoisonPlan.indices(
      labels: labels, ratio: configuration.poisonRatio, target: configuration.attackTarget,
      cleanLabel: configuration.settings.chosen.keepsLabels,
      seed: UInt32(truncatingIfNeeded: configuration.randomSeed))
  }

  /// The sets that the attacked model is judged by.
  public var testSets: TestSets {
    TestSets(
      clean: cleanTest, triggered: triggeredTest.images,
      triggeredOriginalLabels: triggeredTest.originalLabels)
  }

  /// A checksum of everything a rank trains and evaluates on.
  var checksum: UInt64 {
    let sums = checksums.map(\.checksum) + [UInt64(wholeTrainingCount)]
    return sums.withUnsafeBytes(Checksum.of)
  }
}

extension LabelTransform {
  /// The transform called `name`; throws `PoisonError` for a target that is no class.
  init(_ name: LabelTransformName, target: Int, classCount: Int) throws {
    switch name {
    case .all2one:
      guard 0..<classCount ~= target else {
        throw PoisonError.targetOutOfRange(target, classCount: classCount)
      }
      self = .allToOne(target: target)
    case .all2all: self = .allToAll(classCount: classCount)
    }
  }
}

extension AttackData {
  /// The training set, triggers included, and the test sets.
  var checksums: [(subject: String, checksum: UInt64)] {
    [("training images", train.images.checksum)] + testSets.checksums
  }
}

/// The trigger of an attack that has none yet.
struct NoTrigger: Trigger {
  func apply(
    to pixels: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int, image: TriggeredImage
  ) {}
}
