// Note [Stragglers]: the sum over the ranks ends on all of them at the same moment, so a step takes
// the same time everywhere and a slow rank hides in it. What tells ranks apart is the time until
// they have their last gradient, and the time they wait for their batch; the others' loss shows as
// waiting. A rank is called late where its own time a step, loading plus time to the last gradient,
// is over 1.2 times the median of the other ranks', and that cost a tenth of a second in the epoch.

/// Where the time of an epoch's steps went, over all ranks, in seconds a step.
public struct EpochTiming: Equatable, Sendable {
  /// One rank's times, in seconds a step.
  public struct Rank: Equatable, Sendable {
    /// The rank.
    public var rank: Int
    /// Its host.
    public var host: String
    /// From the batch in hand until the last gradient.
    public var lastGradient: Double
    /// Waiting for the next batch.
    public var load: Double
    /// Waiting for communication.
    public var wait: Double

    /// The times of `rank`, in seconds a step.
    public init(rank: Int, host: String, lastGradient: Double, load: Double, wait: Double) {
      (self.rank, self.host) = (rank, host)
      (self.lastGradient, self.load, self.wait) = (lastGradient, load, wait)
    }

    /// What the rank needs before others can go on: all but its waiting for them.
    var own: Double { load + lastGradient }
  }

  /// Smallest, middle and largest over the ranks.
  public struct Spread: Equatable, Sendable {
    /// The smallest.
    public var min: Double
    /// The middle one, or the mean of the two middle ones.
    public var median: Double
    /// The largest.
    public var max: Double
    /// The rank with the largest.
    public var largestAt: Int
  }

  /// A host's ranks, and the medians of their times.
  public struct Host: Equatable, Sendable {
    /// The host.
    public var name: String
    /// Its ranks.
    public var ranks: [Int]
    /// Medians of the ranks' times, in seconds a step.
    public var lastGradient, load, wait: Double
  }

  /// A rank that is clearly late; see Note [Stragglers].
  public struct Straggler: Equatable, Sendable {
    /// The rank.
    public var rank: Int
    /// Its host.
    public var host: String
    /// Its own time over the median of the other ranks'.
    public var ratio: Double
  }

  /// Steps of the epoch.
  public let steps: Int
  /// All ranks, in order.
  public let ranks: [Rank]

  /// The timing of `steps` steps on `ranks`, in rank order and at least one.
  public init(steps: Int, ranks: [Rank]) {
    precondition(!ranks.isEmpty, "timing of no rank")
    self.steps = steps
    self.ranks = ranks
  }

  /// From the batch in hand until the last gradient.
  public var lastGradient: Spread { spread(\.lastGradient) }
  /// Waiting for the next batch.
  public var load: Spread { spread(\.load) }
  /// Waiting for communication.
  public var wait: Spread { spread(\.wait) }

  /// The hosts, in the order of their first ranks.
  public var hosts: [Host] {
    var names: [String] = []
    for rank in ranks where !names.contains(rank.host) { names.append(rank.host) }
    return names.map { name in
      let here = ranks.filter { $0.host == name }
      return Host(
        name: name, ranks: here.map(\.rank), lastGradient: Self.median(here.map(\.lastGradient)),
        load: Self.median(here.map(\.load)), wait: Self.median(here.map(\.wait)))
    }
  }

  /// The rank with the largest own time, where it is clearly late.
  public var straggler: Straggler? {
    guard ranks.count > 1, let slowest = ranks.max(by: { $0.own < $1.own }) else { return nil }
    let others = Self.median(ranks.filter { $0.rank != slowest.rank }.map(\.own))
    let lost = (slowest.own - others) * Double(steps)
    guard slowest.own > 1.2 * others, lost >= 0.1 else { return nil }
    return Straggler(
      rank: slowest.rank, host: slowest.host, ratio: slowest.own / Swift.max(others, 1e-9))
  }

  private func spread(_ time: KeyPath<Rank, Double>) -> Spread {
    let times = ranks.map { $0[keyPath: time] }
    let largest = times.indices.max { times[$0] < times[$1] } ?? 0
    return Spread(
      min: times.min() ?? 0, median: Self.median(times), max: times[largest],
      largestAt: ranks[largest].rank)
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return 0 }
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }
}
