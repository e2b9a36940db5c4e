import Core
import Foundation

/// The wording of where an epoch's time went.
enum TimingLine {
  /// One line: the spread over the ranks, the medians of each host, the rank that is late.
  static func of(_ timing: EpochTiming, epoch: Int) -> String {
    guard timing.ranks.count > 1 else {
      let parts = [
        ("to last gradient", timing.lastGradient), ("load", timing.load), ("wait", timing.wait),
      ]
      return "timing of epoch \(epoch), ms a step: "
        + parts.map { "\($0.0) \(milliseconds($0.1.median))" }.joined(separator: ", ")
    }
    let hosts = timing.hosts.map { "\($0.name) \(milliseconds($0.lastGradient))" }
    return "timing of epoch \(epoch) over \(timing.ranks.count) ranks, ms a step "
      + "(min/median/max): to last gradient \(spread(timing.lastGradient)) on rank "
      + "\(timing.lastGradient.largestAt), load \(spread(timing.load)), wait "
      + "\(spread(timing.wait)); to last gradient by host: \(hosts.joined(separator: ", "))"
      + (timing.straggler.map { "; \(late($0))" } ?? "")
  }

  /// Who is late and by how much.
  static func late(_ straggler: EpochTiming.Straggler) -> String {
    String(
      format: "late: rank \(straggler.rank) (\(straggler.host)), %.2fx the others' time",
      straggler.ratio)
  }

  private static func spread(_ spread: EpochTiming.Spread) -> String {
    [spread.min, spread.median, spread.max].map(milliseconds).joined(separator: "/")
  }

  private static func milliseconds(_ seconds: Double) -> String {
    String(format: seconds < 0.01 ? "%.2f" : "%.0f", seconds * 1e3)
  }
}

/// The timing of an epoch as JSON: seconds a step.
struct TimingReport: Encodable {
  struct Spread: Encodable {
    enum CodingKeys: String, CodingKey {
      case min, median, max
      case maxRank = "max_rank"
    }

    let min, median, max: Double
    let maxRank: Int

    init(_ spread: EpochTiming.Spread) {
      (min, median, max) = (spread.min, spread.median, spread.max)
      maxRank = spread.largestAt
    }
  }

  struct Host: Encodable {
    enum CodingKeys: String, CodingKey {
      case host, ranks, load, wait
      case lastGradient = "time_to_last_gradient"
    }

    let host: String
    let ranks: [Int]
    let lastGradient, load, wait: Double
  }

  struct Straggler: Encodable {
    let rank: Int
    let host: String
    let ratio: Double
  }

  enum CodingKeys: String, CodingKey {
    case steps, load, wait, hosts, straggler
    case lastGradient = "time_to_last_gradient"
  }

  let steps: Int
  let lastGradient, load, wait: Spread
  let hosts: [Host]
  let straggler: Straggler?

  init(_ timing: EpochTiming) {
    steps = timing.steps
    lastGradient = Spread(timing.lastGradient)
    load = Spread(timing.load)
    wait = Spread(timing.wait)
    hosts = timing.hosts.map {
      Host(
        host: $0.name, ranks: $0.ranks, lastGradient: $0.lastGradient, load: $0.load, wait: $0.wait)
    }
    straggler = timing.straggler.map { Straggler(rank: $0.rank, host: $0.host, ratio: $0.ratio) }
  }
}
