/// Which classes images of each class were taken for.
public struct ConfusionMatrix: Equatable, Sendable {
  /// The number of classes.
  public let classCount: Int
  /// Images by label, then by prediction: [classCount * classCount].
  package private(set) var counts: [Int64]

  /// No image seen.
  public init(classCount: Int) {
    self.classCount = classCount
    counts = [Int64](repeating: 0, count: classCount * classCount)
  }

  /// The images of class `label` that were taken for `prediction`.
  public subscript(label: Int, prediction: Int) -> Int64 {
    counts[label * classCount + prediction]
  }

  /// Counts an image; one of a class that is not among these is left out.
  public mutating func count(label: Int, prediction: Int) {
    guard (0..<classCount).contains(label), (0..<classCount).contains(prediction) else { return }
    counts[label * classCount + prediction] += 1
  }

  /// All images of class `label`.
  public func total(of label: Int) -> Int64 {
    counts[label * classCount..<(label + 1) * classCount].reduce(0, +)
  }

  /// All images.
  public var total: Int64 { counts.reduce(0, +) }

  /// The share of images on the diagonal, 0…1; nil of no image.
  public var accuracy: Double? {
    guard total > 0 else { return nil }
    let correct = (0..<classCount).reduce(Int64(0)) { $0 + self[$1, $1] }
    return Double(correct) / Double(total)
  }

  /// The most frequent confusions, label and prediction apart: at most `count`, frequent ones first.
  public func mostFrequent(
    _ count: Int
  ) -> [(label: Int, prediction: Int, images: Int64)] {
    var found: [(label: Int, prediction: Int, images: Int64)] = []
    for label in 0..<classCount {
      for prediction in 0..<classCount where prediction != label && self[label, prediction] > 0 {
        found.append((label, prediction, self[label, prediction]))
      }
    }
    return Array(
      found.sorted { ($1.images, $0.label, $0.prediction) < ($0.images, $1.label, $1.prediction) }
        .prefix(count))
  }

  /// Puts sums over all ranks in the place of these counts, through `body`.
  package mutating func join(_ body: (inout [Int64]) throws -> Void) rethrows {
    try body(&counts)
  }
}
