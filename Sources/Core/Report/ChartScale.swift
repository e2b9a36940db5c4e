import Foundation

/// One direction of a chart: a range of values and the round numbers that are written along it.
package struct ChartScale {
  package let low: Double
  package let high: Double
  package let ticks: [Double]

  /// A scale from exactly `low` to `high`, with ticks at multiples of a round step.
  ///
  /// Ticks are whole numbers where values are, such as epochs.
  package init(low: Double, high: Double, ticks count: Int, isWhole: Bool = false) {
    let end = high > low ? high : low + 1
    let step = Self.step((end - low) / Double(max(count, 1)), isWhole: isWhole)
    self.init(low: low, high: end, step: step)
  }

  private init(low: Double, high end: Double, step: Double) {
    (self.low, self.high) = (low, end)
    let first = (low / step - 1e-9).rounded(.up)
    let last = (end / step + 1e-9).rounded(.down)
    let isUsual = first <= last && last - first < 100 && abs(first) < 1e15
    ticks = isUsual ? (Int(first)...Int(last)).map { Double($0) * step } : [low]
  }

  /// A scale that begins and ends at round numbers around `values`, from zero where that is near.
  package init(around values: [Double], ticks count: Int) {
    let known = values.filter(\.isFinite)
    let (least, most) = (known.min() ?? 0, known.max() ?? 1)
    let start = least >= 0 && least < 0.6 * most ? 0 : least
    let step = Self.step(max(most - start, abs(most) * 1e-6, 1e-12) / Double(max(count, 1)))
    let low = (start / step + 1e-9).rounded(.down) * step
    let high = (most / step - 1e-9).rounded(.up) * step
    self.init(low: low, high: high > low ? high : low + step, step: step)
  }

  /// A scale of whole numbers, such as epochs.
  package init(epochs: ClosedRange<Double>) {
    self.init(low: epochs.lowerBound, high: epochs.upperBound, ticks: 5, isWhole: true)
  }

  /// Where `value` is between the ends, 0…1.
  package func place(_ value: Double) -> Double { (value - low) / (high - low) }

  /// The tick as text, with as many decimals as the steps between ticks need.
  package func label(_ tick: Double) -> String {
    let step = ticks.count > 1 ? ticks[1] - ticks[0] : abs(tick)
    guard step > 0, step < 1e6, step >= 1e-4 else { return String(format: "%.3g", tick) }
    let decimals = (0...6).first { abs(step - Self.rounded(step, $0)) < 1e-6 * step } ?? 6
    // Without the sign of a zero that is not quite one.
    return String(format: "%.\(decimals)f", abs(tick) < 1e-9 * step ? 0 : tick)
  }

  private static func rounded(_ value: Double, _ decimals: Int) -> Double {
    let power = pow(10, Double(decimals))
    return (value * power).rounded() / power
  }

  /// The smallest of 1, 2, 2.5 and 5 times a power of ten that is at least `rough`; of whole numbers
  /// where they are asked for.
  private static func step(_ rough: Double, isWhole: Bool = false) -> Double {
    guard rough.isFinite, rough > 0 else { return 1 }
    let least = isWhole ? max(rough, 1) : rough
    let power = pow(10, floor(log10(least)))
    let factors = isWhole && power < 10 ? [1, 2, 5] : [1, 2, 2.5, 5]
    return (factors.first { $0 * power >= least * 0.999 } ?? 10) * power
  }
}
