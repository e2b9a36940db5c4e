import Foundation

/// Which classes' reversed triggers are too small to be chance (Wang et al., Neural Cleanse, S&P
/// 2019).
///
/// With the deviation 1.4826 median |size - median|, the anomaly index is that of the smallest mask:
/// |smallest - median| / deviation. Flagged are classes below the median by more than two deviations,
/// where there are three classes or more: of two neither can be the odd one.
public struct ReversalVerdict: Equatable, Sendable {
  /// The sizes of the masks, one a class.
  public let norms: [Double]
  /// Their median.
  public let median: Double
  /// The deviation from it that is usual among them.
  public let deviation: Double
  /// The anomaly index; 0 where the sizes do not differ.
  public let index: Double
  /// The classes that would stand out if the sizes can be relied on, the smallest mask first.
  private let outliers: [Int]
  /// The classes whose trigger never worked.
  public var unreached: [Int] = []

  /// The deviations from which on a class stands out.
  static let threshold = 2.0

  /// The verdict on `norms`; the median of an even number of them is the lower of the two in the
  /// middle where `takesLowerMedian`, as in the original.
  public init(_ norms: [Double], takesLowerMedian: Bool = false) {
    let median = Self.median(norms, takesLower: takesLowerMedian)
    let deviation =
      1.4826 * Self.median(norms.map { abs($0 - median) }, takesLower: takesLowerMedian)
    (self.norms, self.median, self.deviation) = (norms, median, deviation)
    let smallest = norms.min() ?? 0
    index = deviation > 0 ? abs(smallest - median) / deviation : 0
    outliers =
      deviation > 0
      ? norms.indices.filter {
        norms[$0] <= median && abs(norms[$0] - median) / deviation > Self.threshold
      }.sorted { (norms[$0], $0) < (norms[$1], $1) } : []
  }

  private static func median(_ values: [Double], takesLower: Bool) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    let (lower, upper) = (sorted[(sorted.count - 1) / 2], sorted[sorted.count / 2])
    return takesLower ? lower : (lower + upper) / 2
  }

  /// The chance that the smallest of as many sizes of a clean model would stand out as much, if they
  /// were normally distributed.
  public var chance: Double {
    1 - pow(1 - erfc(index / 2.0.squareRoot()) / 2, Double(max(norms.count, 1)))
  }

  /// The classes that stand out, the smallest mask first; none where that cannot be relied on.
  public var flagged: [Int] { isReliable ? outliers : [] }

  /// Whether there are enough classes to compare, and so few of them without a trigger that works
  /// that the others can be judged.
  public var isReliable: Bool {
    norms.count > 2 && deviation > 0 && 2 * unreached.count < norms.count
  }

  /// What to make of it, in a sentence.
  public var words: String {
    let share = "\(unreached.count) of \(norms.count) classes"
    if norms.count < 3 {
      return "no verdict: expected three classes or more to compare, found \(norms.count)"
    }
    if norms.min() == norms.max() { return "no verdict: the masks' sizes do not differ" }
    if deviation == 0 {
      return "no verdict: the masks of half the classes or more have one size, so nothing says how "
        + "far off another is"
    }
    if !isReliable {
      return
        "no verdict to rely on: \(share) have no trigger that works yet; give a larger --nc_epoch"
    }
    let found = String(format: "anomaly index %.2f (more than 2 stands out)", index)
    let doubt = unreached.isEmpty ? "" : "; \(share) have no trigger that works, which blurs it"
    guard let first = flagged.first else {
      return "no class stands out, \(found): no sign of a backdoor that a small patch would open"
        + doubt
    }
    let odds =
      chance < 0.001 ? "below 0.1 %" : String(format: "about %.1f %%", 100 * chance)
    let strength = chance < 0.01 ? "" : ", not sure"
    return "class \(first) stands out\(strength), \(found): "
      + "chance alone would do so in \(odds) of clean models\(doubt)"
  }
}
