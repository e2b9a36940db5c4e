import Distributed
import Foundation

/// What a model does on the test set, as counts that sum over ranks.
public struct BackdoorMetrics: Codable, Equatable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case cleanCorrect = "clean_correct"
    case cleanTotal = "clean_total"
    case attackSuccesses = "attack_successes"
    case robustCorrect = "robust_correct"
    case triggeredTotal = "triggered_total"
  }

  /// Clean test images classified as their label.
  public var cleanCorrect: Int64 = 0
  /// All clean test images.
  public var cleanTotal: Int64 = 0
  /// Triggered images classified as the attack wants.
  public var attackSuccesses: Int64 = 0
  /// Triggered images classified as their true label.
  public var robustCorrect: Int64 = 0
  /// All triggered images.
  public var triggeredTotal: Int64 = 0

  /// No image seen.
  public init() {}

  /// C-ACC, 0...1; nil without clean images.
  public var cleanAccuracy: Double? { Self.share(cleanCorrect, of: cleanTotal) }
  /// ASR, 0...1; nil without triggered images.
  public var attackSuccessRate: Double? { Self.share(attackSuccesses, of: triggeredTotal) }
  /// RA, 0...1; nil without triggered images.
  public var robustAccuracy: Double? { Self.share(robustCorrect, of: triggeredTotal) }

  /// A rate as in the field's tables, four digits; `-` where there is none.
  public static func figure(_ rate: Double?) -> String {
    rate.map { String(format: "%.4f", $0) } ?? "-"
  }

  /// The three rates with their counts, a line each.
  public var table: [String] {
    let counts = [
      (cleanCorrect, cleanTotal), (attackSuccesses, triggeredTotal),
      (robustCorrect, triggeredTotal),
    ]
    return zip(rates, counts).map { rate, count in
      rate.value.map { "\(rate.name)   \(Self.figure($0))   \(count.0) of \(count.1) images" }
        ?? "\(rate.name)   -        no images"
    }
  }

  /// These rates beside those of `after`, a line each below a heading.
  public func table(andAfter after: BackdoorMetrics) -> [String] {
    ["        before   after"]
      + zip(rates, after.rates).map { before, after in
        "\(before.name)   \(Self.figure(before.value))   \(Self.figure(after.value))"
      }
  }

  private var rates: [(name: String, value: Double?)] {
    [("C-ACC", cleanAccuracy), ("ASR  ", attackSuccessRate), ("RA   ", robustAccuracy)]
  }

  private static func share(_ count: Int64, of total: Int64) -> Double? {
    total > 0 ? Double(count) / Double(total) : nil
  }
}
