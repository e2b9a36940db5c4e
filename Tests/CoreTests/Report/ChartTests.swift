import Core
import Foundation
import Testing

/// Charts: round ticks, lines with gaps, names that do not lie on each other.
@Suite struct ChartTests {
  @Test(arguments: [
    (0.0, 1.0, 4, ["0.00", "0.25", "0.50", "0.75", "1.00"]),
    (1.0, 100.0, 5, ["20", "40", "60", "80", "100"]),
    (1.0, 2.0, 5, ["1.0", "1.2", "1.4", "1.6", "1.8", "2.0"]),
    (1.05, 1.2, 4, ["1.05", "1.10", "1.15", "1.20"]),
    (-0.05, 0.2, 5, ["-0.05", "0.00", "0.05", "0.10", "0.15", "0.20"]),
  ])
  func ticksAreRound(low: Double, high: Double, count: Int, expected: [String]) {
    let scale = ChartScale(low: low, high: high, ticks: count)
    #expect(scale.ticks.map(scale.label) == expected)
  }

  @Test(arguments: [
    (1.0...3.0, ["1", "2", "3"]), (1...1, ["1", "2"]), (1...12, ["5", "10"]),
    (0...100, ["0", "20", "40", "60", "80", "100"]),
    (1...120, ["25", "50", "75", "100"]),
  ])
  func epochsAreWhole(range: ClosedRange<Double>, expected: [String]) {
    let scale = ChartScale(epochs: range)
    #expect(scale.ticks.map(scale.label) == expected)
  }

  @Test func aScaleHoldsItsValues() {
    for values in [
      [0.1], [0, 0], [3, 3], [-2, 5], [1e-9, 2e-9], [1e9], [1.4, 2.2], [.nan, 1],
    ] {
      let scale = ChartScale(around: values, ticks: 4)
      #expect(scale.low < scale.high)
      for value in values where value.isFinite {
        #expect((-1e-9...1 + 1e-9).contains(scale.place(value)), "\(values)")
      }
      #expect(scale.ticks.count < 20)
    }
  }

  @Test(arguments: [
    ([1.0983, 1.196], ["1.075", "1.100", "1.125", "1.150", "1.175", "1.200"]),
    ([0.05, 2], ["0.0", "0.5", "1.0", "1.5", "2.0"]), ([3, 3], []),
  ])
  func aScaleAroundValuesBeginsAndEndsWithATick(values: [Double], expected: [String]) {
    let scale = ChartScale(around: values, ticks: 4)
    #expect(scale.ticks.first == scale.low)
    if values[0] != values[1] { #expect(scale.ticks.map(scale.label) == expected) }
    #expect(abs((scale.ticks.last ?? 0) - scale.high) < 1e-9)
  }

  private func markup(_ lines: [LineChart.Line], range: ClosedRange<Double>? = nil) -> String {
    var html = HTMLText()
    LineChart(title: "t", xName: "epoch", lines: lines, range: range).add(to: &html)
    return html.markup
  }

  @Test func aMissingValueBreaksTheLine() throws {
    let points = [(1.0, 0.1), (2, 0.2), (3, .nan), (4, 0.4), (5, 0.5)].map { (x: $0.0, y: $0.1) }
    let text = markup([LineChart.Line(name: "a", points: points)])
    let path = try #require(text.components(separatedBy: " d=\"").last?.prefix { $0 != "\"" })
    #expect(path.count { $0 == "M" } == 2)
    #expect(path.count { $0 == "L" } == 2)
    #expect(text.contains("a 0.500"))
  }

  @Test func aChartWithoutValuesIsNone() {
    #expect(markup([LineChart.Line(name: "a", points: [(x: 1, y: .nan)])]).isEmpty)
    #expect(markup([]).isEmpty)
  }

  @Test(arguments: [[0.5, 0.5, 0.5], [0, 0, 0], [1, 1, 1], [0, 0.01, 1], [0.99, 1, 0.98]])
  func namesStandApartAndWithinTheChart(ends: [Double]) {
    let lines = ends.enumerated().map { number, end in
      LineChart.Line(name: "line\(number)", points: [(x: 1, y: 0), (x: 2, y: end)])
    }
    let places = markup(lines, range: 0...1).components(separatedBy: "class=\"name").dropFirst()
      .compactMap { $0.components(separatedBy: " y=\"").dropFirst().first }
      .compactMap { Double($0.prefix { $0 != "\"" }) }.sorted()
    #expect(places.count == 3)
    for (one, next) in zip(places, places.dropFirst()) { #expect(next - one >= 13.9) }
    #expect(places.allSatisfy { (0...230).contains($0) })
  }

  @Test func aLongLineIsThinnedOut() {
    let points = (0..<100_000).map { (x: Double($0), y: Double($0 % 7)) }
    #expect(markup([LineChart.Line(name: "a", points: points)]).utf8.count < 30_000)
  }
}
