import Foundation

/// Lines over epochs as an SVG that text can be copied from: colours, dashes and names tell the
/// lines apart, and each ends in its last value.
package struct LineChart {
  /// One line; gaps are values that are no number.
  package struct Line {
    package let name: String
    package let points: [(x: Double, y: Double)]
    /// The last value as it is written.
    package var format = "%.3f"

    /// A line called `name` through `points`, whose values are written in `format`.
    ///
    /// What is beyond all measure, as a file may have it, is no value.
    package init(name: String, points: [(x: Double, y: Double)], format: String = "%.3f") {
      (self.name, self.format) = (name, format)
      self.points = points.filter { abs($0.x) < 1e12 }
        .map { (x: $0.x, y: abs($0.y) < 1e30 ? $0.y : .nan) }
    }
  }

  private static let (width, height) = (400.0, 230.0)
  private static let (left, top, bottom) = (44.0, 12.0, 34.0)

  /// Points of the longest line; of longer ones every second, third and so on is drawn.
  private static let mostPoints = 1000

  package let title: String
  package let xName: String
  package var lines: [Line]
  /// The values from below to above; nil are those around the lines'.
  package var range: ClosedRange<Double>?

  /// A chart of `lines` over what `xName` says.
  package init(title: String, xName: String, lines: [Line], range: ClosedRange<Double>? = nil) {
    (self.title, self.xName, self.lines, self.range) = (title, xName, lines, range)
  }

  /// Room for the names at the lines' ends.
  private var right: Double {
    let longest = lines.compactMap { Self.end(of: $0)?.count }.max() ?? 0
    return min(14 + 6.6 * Double(longest), Self.width / 2)
  }

  /// A line's name with its last value.
  private static func end(of line: Line) -> String? {
    line.points.last { $0.y.isFinite }.map { "\(line.name) \(String(format: line.format, $0.y))" }
  }

  /// Whether there is something to draw.
  package var isEmpty: Bool { !lines.contains { $0.points.contains { $0.y.isFinite } } }

  /// Adds the chart as a figure; nothing where there is nothing to draw.
  package func add(to html: inout HTMLText) {
    guard !isEmpty else { return }
    html.tag("figure") { html in
      html.tag("figcaption") { $0.tag("strong", text: title) }
      html.tag(
        "svg",
        [
          "viewBox": "0 0 \(Self.text(Self.width)) \(Self.text(Self.height))", "role": "img",
          "aria-label": description,
        ], draw)
    }
  }

  /// What the chart shows in a sentence.
  private var description: String {
    let parts = lines.compactMap { line -> String? in
      let known = line.points.filter { $0.y.isFinite }
      guard let first = known.first, let last = known.last else { return nil }
      let values = [first.y, last.y].map { String(format: line.format, $0) }
      return "\(line.name) from \(values[0]) to \(values[1])"
    }
    return "\(title) by \(xName): \(parts.joined(separator: ", "))"
  }

  private func draw(_ html: inout HTMLText) {
    let xs = lines.flatMap(\.points).map(\.x)
    let (low, high) = (xs.min() ?? 0, xs.max() ?? 1)
    let x =
      xs.allSatisfy { $0 == $0.rounded() }
      ? ChartScale(epochs: low...high) : ChartScale(low: low, high: high, ticks: 5)
    let y =
      range.map { ChartScale(low: $0.lowerBound, high: $0.upperBound, ticks: 4) }
      ?? ChartScale(around: lines.flatMap(\.points).map(\.y), ticks: 4)
    drawAxes(x, y, &html)
    for (number, line) in lines.enumerated() { draw(line, number: number + 1, x, y, &html) }
    drawNames(y, &html)
  }

  private func horizontal(_ share: Double) -> Double {
    Self.left + share * (Self.width - Self.left - right)
  }

  private func vertical(_ share: Double) -> Double {
    Self.height - Self.bottom - share * (Self.height - Self.top - Self.bottom)
  }

  private func drawAxes(_ x: ChartScale, _ y: ChartScale, _ html: inout HTMLText) {
    for tick in y.ticks {
      let place = Self.text(vertical(y.place(tick)))
      html.shape(
        "line",
        [
          "class": "grid", "x1": Self.text(Self.left), "x2": Self.text(Self.width - right),
          "y1": place, "y2": place,
        ])
      html.tag(
        "text",
        [
          "x": Self.text(Self.left - 7), "y": Self.text(vertical(y.place(tick)) + 4),
          "text-anchor": "end",
        ], text: y.label(tick))
    }
    for tick in x.ticks {
      html.tag(
        "text",
        [
          "x": Self.text(horizontal(x.place(tick))), "y": Self.text(Self.height - Self.bottom + 15),
          "text-anchor": "middle",
        ], text: x.label(tick))
    }
    html.tag(
      "text",
      [
        "x": Self.text(horizontal(0.5)), "y": Self.text(Self.height - 4), "text-anchor": "middle",
      ], text: xName)
  }

  private func draw(
    _ line: Line, number: Int, _ x: ChartScale, _ y: ChartScale, _ html: inout HTMLText
  ) {
    var path = ""
    var isOpen = false
    var alone: [(x: Double, y: Double)] = []
    let step = line.points.count / Self.mostPoints + 1
    let drawn = stride(from: 0, to: line.points.count, by: step).map { line.points[$0] }
    let places = drawn.map { point in
      point.y.isFinite ? (horizontal(x.place(point.x)), vertical(y.place(point.y))) : nil
    }
    for (index, place) in places.enumerated() {
      guard let place else {
        isOpen = false
        continue
      }
      path += "\(isOpen ? "L" : "M")\(Self.text(place.0)) \(Self.text(place.1))"
      let isLast = index + 1 == places.count || places[index + 1] == nil
      if !isOpen && isLast { alone.append(place) }
      isOpen = true
    }
    html.shape("path", ["class": "line s\(number)", "d": path])
    let shown = places.count <= 25 ? places.compactMap { $0 } : alone
    for place in shown {
      html.shape(
        "circle",
        ["class": "dot s\(number)", "cx": Self.text(place.0), "cy": Self.text(place.1), "r": "2.5"])
    }
  }

  /// The names with the last values at the lines' ends, apart from each other.
  private func drawNames(_ y: ChartScale, _ html: inout HTMLText) {
    let ends = lines.enumerated().compactMap { number, line in
      line.points.last { $0.y.isFinite }.map {
        (number: number + 1, line: line, place: vertical(y.place($0.y)) + 4)
      }
    }.sorted { $0.place < $1.place }
    let floor = Self.height - Self.bottom + 4
    var above = -Double.infinity
    for (rank, end) in ends.enumerated() {
      // At least a line below the one above, with room for those that follow.
      let most = floor - 14 * Double(ends.count - 1 - rank)
      let place = min(max(end.place, above + 14), most)
      above = place
      html.tag(
        "text",
        [
          "class": "name t\(end.number)", "x": Self.text(Self.width - right + 8),
          "y": Self.text(place),
        ], text: Self.end(of: end.line) ?? "")
    }
  }

  /// A coordinate to tenths of a unit.
  static func text(_ value: Double) -> String { SVGFile.number(value) }
}
