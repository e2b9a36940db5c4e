import Distributed

/// Why no set of images can be poisoned as asked.
public enum PoisonError: Error, CustomStringConvertible, Equatable, Sendable {
  /// A poison ratio outside 0...1.
  case ratioOutOfRange(Double)
  /// A target class that the dataset does not have.
  case targetOutOfRange(Int, classCount: Int)
  /// A clean-label attack that needs more images than its class has.
  case classTooSmall(target: Int, needed: Int, available: Int, of: Int)

  /// One line: the key, what was expected and found.
  public var description: String {
    switch self {
    case .ratioOutOfRange(let ratio):
      "pratio: expected a share of the training images between 0 and 1, found \(ratio)"
    case .targetOutOfRange(let target, let classCount):
      "attack_target: expected a class in 0...\(classCount - 1), found \(target)"
    case .classTooSmall(let target, let needed, let available, let count):
      "pratio: a clean-label attack poisons images of class \(target) only, which has "
        + "\(available) of \(count) in the training set, and \(needed) are asked for; expected a "
        + "pratio of at most \(PoisonPlan.largestRatio(for: available, of: count).pythonRepr)"
    }
  }
}

extension PoisonError: UserMistake {
  /// Whether flags or configuration are wrong, rather than their poison is too much for the data.
  public var isUserMistake: Bool { if case .classTooSmall = self { false } else { true } }
}

/// Which training images an attack poisons: a function of labels, ratio and seed alone.
///
/// Equal to the original's draw: `np.random.seed(seed)`, then `np.random.choice` without
/// replacement of round(ratio * N) images, from all classes, or from the target class where the
/// attack keeps labels. The sets of one seed are nested across ratios.
public enum PoisonPlan {
  /// Positions of the poisoned images in `labels`, ascending; none for a ratio of 0.
  ///
  /// The ratio is relative to all images also where `cleanLabel` restricts the choice to the class
  /// `target`. Throws `PoisonError`.
  public static func indices(
    labels: [Int], ratio: Double, target: Int, cleanLabel: Bool, seed: UInt32
  ) throws -> [Int] {
    guard ratio >= 0 && ratio <= 1 else { throw PoisonError.ratioOutOfRange(ratio) }
    let count = self.count(of: labels.count, ratio: ratio)
    guard count > 0 else { return [] }
    var generator = MT19937(seed: seed)
    guard cleanLabel else { return generator.choice(labels.count, count: count).sorted() }
    let candidates = labels.indices.filter { labels[$0] == target }
    guard count <= candidates.count else {
      throw PoisonError.classTooSmall(
        target: target, needed: count, available: candidates.count, of: labels.count)
    }
    return generator.choice(candidates.count, count: count).map { candidates[$0] }.sorted()
  }

  /// The largest ratio of `count` images that asks for at most `available`, to three digits.
  static func largestRatio(for available: Int, of count: Int) -> Double {
    guard available > 0 else { return 0 }
    var (numerator, digits) = (available, 0)
    while numerator < 100 * count { (numerator, digits) = (numerator * 10, digits + 1) }
    return Double("\(numerator / count)e-\(digits)") ?? 0
  }

  /// Python's round(ratio * N): halves go to the even neighbour.
  static func count(of images: Int, ratio: Double) -> Int {
    Int((ratio * Double(images)).rounded(.toNearestOrEven))
  }
}
