import Foundation

/// Points of several groups against two values, as an SVG: colours and shapes tell the groups apart.
struct PointChart {
  /// One point and what it is of.
  struct Point {
    let x: Double
    let y: Double
    let name: String
  }

  /// Points of one kind.
  struct Group {
    let name: String
    let points: [Point]
  }

  private static let (width, height) = (420.0, 320.0)
  private static let (left, top, right, bottom) = (52.0, 12.0, 14.0, 40.0)
  /// Points that are drawn of all groups; each says its name to who points at it.
  private static let mostPoints = 5000

  let title: String
  let xName: String
  let yName: String
  let groups: [Group]

  /// Adds the chart as a figure with the groups' names.
  func add(to html: inout HTMLText) {
    html.tag("figure", ["class": "points"]) { html in
      html.tag("figcaption") { $0.tag("strong", text: title) }
      addKey(to: &html)
      html.tag(
        "svg",
        [
          "viewBox": "0 0 \(SVGFile.number(Self.width)) \(SVGFile.number(Self.height))",
          "role": "img", "aria-label": description,
        ], draw)
    }
  }

  private var description: String {
    let parts = groups.map { group in
      let mean = group.points.map(\.y).reduce(0, +) / Double(max(group.points.count, 1))
      let cost = group.points.map(\.x).reduce(0, +) / Double(max(group.points.count, 1))
      return String(
        format: "\(group.name.replacingOccurrences(of: "%", with: "%%")): %d points, mean %.3f "
          + "at %.3f", group.points.count, mean, cost)
    }
    return "\(yName) by \(xName). " + parts.joined(separator: "; ")
  }

  private func addKey(to html: inout HTMLText) {
    html.tag("ul", ["class": "key"]) { html in
      for (number, group) in groups.enumerated() {
        html.tag("li") { html in
          html.tag("svg", ["viewBox": "-6 -6 12 12", "aria-hidden": "true"]) { html in
            html.shape("path", ["class": Self.style(number), "d": Self.shape(number, 0, 0)])
          }
          html.text("\(group.name)")
        }
      }
    }
  }

  private func draw(_ html: inout HTMLText) {
    let points = groups.flatMap(\.points)
    let x = ChartScale(around: points.map(\.x) + [0], ticks: 5)
    let y = ChartScale(low: 0, high: 1, ticks: 4)
    let across = { (value: Double) in
      Self.left + x.place(value) * (Self.width - Self.left - Self.right)
    }
    let down = { (value: Double) in
      Self.height - Self.bottom - y.place(value) * (Self.height - Self.top - Self.bottom)
    }
    drawAxes(x, y, across, down, &html)
    let step = points.count / Self.mostPoints + 1
    for (number, group) in groups.enumerated() {
      for place in stride(from: 0, to: group.points.count, by: step) {
        let point = group.points[place]
        let shape = Self.shape(number, across(point.x), down(point.y))
        html.tag("path", ["class": Self.style(number), "d": shape]) { html in
          html.tag(
            "title",
            text: "\(point.name): " + String(format: "%.3f lost, %.3f left", point.x, point.y))
        }
      }
    }
  }

  private func drawAxes(
    _ x: ChartScale, _ y: ChartScale, _ across: (Double) -> Double, _ down: (Double) -> Double,
    _ html: inout HTMLText
  ) {
    let number = SVGFile.number
    for tick in y.ticks {
      html.shape(
        "line",
        [
          "class": "grid", "x1": number(Self.left), "x2": number(Self.width - Self.right),
          "y1": number(down(tick)), "y2": number(down(tick)),
        ])
      html.tag(
        "text", ["x": number(Self.left - 7), "y": number(down(tick) + 4), "text-anchor": "end"],
        text: y.label(tick))
    }
    for tick in x.ticks {
      html.tag(
        "text",
        ["x": number(across(tick)), "y": number(Self.height - 22), "text-anchor": "middle"],
        text: x.label(tick))
    }
    if x.low < 0 {
      html.shape(
        "line",
        [
          "class": "grid", "x1": number(across(0)), "x2": number(across(0)), "y1": number(Self.top),
          "y2": number(Self.height - Self.bottom),
        ])
    }
    html.tag(
      "text",
      [
        "x": number((Self.left + Self.width - Self.right) / 2), "y": number(Self.height - 5),
        "text-anchor": "middle",
      ], text: xName)
    let middle = number((Self.top + Self.height - Self.bottom) / 2)
    html.tag(
      "text",
      [
        "transform": "translate(12 \(middle)) rotate(-90)", "text-anchor": "middle",
      ], text: yName)
  }

  /// The three colours in turn.
  private static func style(_ number: Int) -> String { "point p\(number % 3 + 1)" }

  /// Five shapes in turn around a place: with three colours fifteen groups look different.
  private static func shape(_ number: Int, _ x: Double, _ y: Double) -> String {
    let start = { (dx: Double, dy: Double) in
      "M\(SVGFile.number(x + dx)) \(SVGFile.number(y + dy))"
    }
    return switch number % 5 {
    case 0: start(-4, 0) + "a4 4 0 1 0 8 0a4 4 0 1 0-8 0z"
    case 1: start(-3.6, -3.6) + "h7.2v7.2h-7.2z"
    case 2: start(0, -4.8) + "l4.5 8h-9z"
    case 3: start(0, -5) + "l5 5l-5 5l-5-5z"
    default: start(0, 4.8) + "l4.5-8h-9z"
    }
  }
}
