import Distributed

/// The data of one attack: what it trains on, what it is judged by, and where it came from.
public struct AttackData: Sendable {
  /// The training set, triggered and relabelled in part.
  public let train: PoisonedDataset
  /// The triggered test set.
  public let triggeredTest: PoisonedDataset
  /// The clean test images.
  public let cleanTest: LabeledImages
  /// Images in the dataset's whole training set, of which a held-out split leaves some out.
  public let wholeTrainingCount: Int

  /// trojannn's trigger image.
  let trojanImage: RGBImage?
  /// What the user should know of the dataset, one line each.
  let warnings: [String]

  /// The seed of the synthetic dataset: one for all commands, so that they see the same images.
  static let syntheticSeed: UInt64 = 0

  /// Splits and poisons `dataset` as `configuration` says; the same on every rank.
  ///
  /// A `dataset` that is given is taken for the one that the configuration names; where nobody else
  /// has it, its training images are poisoned in place. Throws `DatasetError`, `ImageError`, `TriggerError`, `PoisonError` or `TuningSetError`, one line each.
  public init(
    _ configuration: AttackConfiguration, dataset: consuming DatasetPair? = nil,
    trojanImage: RGBImage? = nil
  ) throws {
    let pair =
      try dataset
      ?? DatasetLoader.load(
        name: configuration.dataset, path: configuration.datasetPath,
        size: configuration.imageSide.map { ImageSize(side: $0) }, seed: Self.syntheticSeed,
        threads: ThreadCount.resolve(requested: configuration.threads))
    (cleanTest, warnings, wholeTrainingCount) = (pair.test, pair.warnings, pair.train.count)
    var clean = pair.train
    _ = consume pair
    let labels = try LabelTransform(
      configuration.labelTransform, target: configuration.attackTarget,
      classCount: clean.classCount)
    let split = TuningSet.indices(
      configuration.tuningSplit, labels: clean.labels, classCount: clean.classCount,
      ratio: configuration.splitRatio, seed: Int(configuration.randomSeed))
    guard configuration.tuningSplit == .random || !split.tuning.isEmpty && !split.attack.isEmpty
    else { throw TuningSetError(ratio: configuration.splitRatio, isHeldOut: true) }
    if split.attack.count != clean.count { clean = clean.selecting(split.attack) }
    var trigger = configuration.triggerSettings
    trigger.trojanImage = trojanImage
    self.trojanImage = trojanImage
    let attack = try AttackTrigger(
      configuration.attack, settings: trigger, height: clean.height, width: clean.width)
    let poisoned = try PoisonPlan.indices(
      labels: clean.labels, ratio: configuration.poisonRatio, target: configuration.attackTarget,
      cleanLabel: attack.isCleanLabel, seed: UInt32(truncatingIfNeeded: configuration.randomSeed))
    train = PoisonedDataset.train(
      consume clean, poisoned: poisoned, trigger: attack.trigger, labels: labels,
      originalIndices: split.attack)
    triggeredTest = PoisonedDataset.test(cleanTest, trigger: attack.trigger, labels: labels)
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
