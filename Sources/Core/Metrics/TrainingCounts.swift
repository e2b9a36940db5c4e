import Distributed

/// What one epoch's training images came to, as sums over the ranks.
public struct TrainingCounts: Equatable, Sendable {
  /// Images seen, and those classified as the label they were trained with.
  public var total = 0, correct = 0
  /// The same for images without a trigger.
  public var cleanTotal = 0, cleanCorrect = 0
  /// Triggered images, those classified as the attack wants, and those classified as before it.
  public var poisonedTotal = 0, poisonedCorrect = 0, poisonedRobust = 0
  /// Images with what is like a trigger, and those of them classified as their label.
  public var crossTotal = 0, crossCorrect = 0
  /// Global batches.
  public var batches = 0
  /// The sum over the batches of each batch's mean loss.
  public var lossSum = 0.0

  /// No image seen.
  public init() {}

  /// Everything counted as whole numbers, the loss as its bits; the same order in every version.
  var words: [Int64] {
    let counts = [
      total, correct, cleanTotal, cleanCorrect, poisonedTotal, poisonedCorrect, poisonedRobust,
      crossTotal, crossCorrect, batches,
    ]
    return counts.map { Int64($0) } + [Int64(bitPattern: lossSum.bitPattern)]
  }

  /// The largest count that is taken for meant: the ranks' sum stays in an Int.
  private static let largest: Int64 = 1 << 40

  /// The counts that give `words`; nil where their number is another, or where they count nothing.
  ///
  /// Nine words are those of a program that knew no cross images.
  init?(words given: [Int64]) {
    var words = given
    if words.count == 9 { words.insert(contentsOf: [0, 0], at: 7) }
    guard words.count == 11, words.dropLast().allSatisfy({ (0...Self.largest).contains($0) })
    else { return nil }
    let counts = words.map { Int($0) }
    (total, correct, cleanTotal, cleanCorrect) = (counts[0], counts[1], counts[2], counts[3])
    (poisonedTotal, poisonedCorrect, poisonedRobust) = (counts[4], counts[5], counts[6])
    (crossTotal, crossCorrect, batches) = (counts[7], counts[8], counts[9])
    lossSum = Double(bitPattern: UInt64(bitPattern: words[10]))
  }

  /// Mean of the batches' mean losses; nil before the first batch.
  public var meanLoss: Double? { batches > 0 ? lossSum / Double(batches) : nil }
  /// Share of images classified as the label they were trained with; nil without images.
  public var accuracy: Double? { Self.share(correct, of: total) }
  /// The same among images without a trigger.
  public var cleanAccuracy: Double? { Self.share(cleanCorrect, of: cleanTotal) }
  /// Share of triggered images classified as the attack wants.
  public var attackSuccessRate: Double? { Self.share(poisonedCorrect, of: poisonedTotal) }
  /// Share of triggered images classified as before the attack.
  public var robustAccuracy: Double? { Self.share(poisonedRobust, of: poisonedTotal) }

  /// Replaces all but `batches`, which every rank counts alike, by the sums over the ranks.
  mutating func sum(over communicator: any Communicator) throws {
    var counts = [
      total, correct, cleanTotal, cleanCorrect, poisonedTotal, poisonedCorrect, poisonedRobust,
      crossTotal, crossCorrect,
    ].map { Int64($0) }
    var losses = [lossSum]
    try communicator.allReduceSum(&counts)
    try communicator.allReduceSum(&losses)
    let sums = counts.map { Int($0) }
    (total, correct, cleanTotal, cleanCorrect) = (sums[0], sums[1], sums[2], sums[3])
    (poisonedTotal, poisonedCorrect, poisonedRobust) = (sums[4], sums[5], sums[6])
    (crossTotal, crossCorrect) = (sums[7], sums[8])
    lossSum = losses[0]
  }

  /// Adds what another rank counted in the same batches.
  mutating func merge(_ other: TrainingCounts) {
    total += other.total
    correct += other.correct
    cleanTotal += other.cleanTotal
    cleanCorrect += other.cleanCorrect
    poisonedTotal += other.poisonedTotal
    poisonedCorrect += other.poisonedCorrect
    poisonedRobust += other.poisonedRobust
    crossTotal += other.crossTotal
    crossCorrect += other.crossCorrect
    batches = other.batches
    lossSum += other.lossSum
  }

  /// Share of cross images classified as their label.
  public var crossAccuracy: Double? { Self.share(crossCorrect, of: crossTotal) }

  private static func share(_ count: Int, of total: Int) -> Double? {
    total > 0 ? Double(count) / Double(total) : nil
  }
}
