/// A dataset some of whose images carry a trigger and a changed label, with what they were before.
public struct PoisonedDataset: Sendable {
  /// The images as the model sees them, triggers and changed labels included.
  public let images: LabeledImages
  /// The class of each image before the attack: [count].
  public let originalLabels: [Int]
  /// Whether each image carries the trigger: [count].
  public let isPoisoned: [Bool]
  /// The position of each image in the dataset it was taken from: [count].
  public let originalIndices: [Int]

  /// Joins images with their history; all counts must agree.
  public init(
    images: LabeledImages, originalLabels: [Int], isPoisoned: [Bool], originalIndices: [Int]
  ) {
    precondition(
      originalLabels.count == images.count && isPoisoned.count == images.count
        && originalIndices.count == images.count,
      "\(images.count) images, \(originalLabels.count) labels, \(isPoisoned.count) marks, "
        + "\(originalIndices.count) indices")
    self.images = images
    self.originalLabels = originalLabels
    self.isPoisoned = isPoisoned
    self.originalIndices = originalIndices
  }

  /// The number of triggered images.
  public var poisonedCount: Int { isPoisoned.count { $0 } }

  /// The training set of an attack: all of `clean`, triggered and relabelled at `poisoned`.
  ///
  /// `originalIndices` says where `clean` comes from, if it is part of a larger dataset. Its pixels
  /// are changed in place where nobody else has them.
  public static func train(
    _ clean: consuming LabeledImages, poisoned: [Int], trigger: any Trigger,
    labels: LabelTransform, originalIndices: [Int]? = nil
  ) -> PoisonedDataset {
    var images = clean
    let originalLabels = images.labels
    var isPoisoned = [Bool](repeating: false, count: originalLabels.count)
    trigger.apply(to: &images, at: poisoned, split: .train, indices: originalIndices)
    for position in poisoned {
      images.labels[position] = labels(originalLabels[position])
      isPoisoned[position] = true
    }
    return PoisonedDataset(
      images: images, originalLabels: originalLabels, isPoisoned: isPoisoned,
      originalIndices: originalIndices ?? Array(0..<originalLabels.count))
  }

  /// The test set of an attack: every image of `clean` whose label changes, triggered.
  ///
  /// Those are the images outside the target class, or all images where every class has a target of
  /// its own. They keep their order.
  public static func test(
    _ clean: LabeledImages, trigger: any Trigger, labels: LabelTransform
  ) -> PoisonedDataset {
    let indices = clean.labels.indices.filter { labels.isTested(clean.labels[$0]) }
    var images = clean.selecting(indices)
    let originalLabels = images.labels
    trigger.apply(to: &images, at: Array(0..<images.count), split: .test, indices: indices)
    images.labels = originalLabels.map { labels($0) }
    return PoisonedDataset(
      images: images, originalLabels: originalLabels,
      isPoisoned: [Bool](repeating: true, count: images.count), originalIndices: indices)
  }
}
