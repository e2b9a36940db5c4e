import Foundation

/// Where everything stands on a sheet: panels in rows, below them legend and notes.
struct SheetLayout {
  private static let margin = 24.0
  private static let gap = 22.0
  /// The side of a panel's plot.
  private static let side = 420.0
  private static let titleHeight = 46.0
  private static let captionHeight = 42.0
  private static let panelHeight = titleHeight + side + captionHeight
  private static let legendRow = 18.0
  private static let noteSize = 10.5
  private static let noteRow = 14.5
  /// A character's mean width in units of the font's size, with some to spare.
  private static let characterWidth = 0.54

  /// The finished sheet.
  private(set) var drawing: Drawing
  private let panels: [FeaturePanel]
  private let palette: SheetPalette
  private let classNames: [String]
  /// The target class, where all panels with triggered images have the same.
  private let target: Int?

  /// Lays out `panels`, all of the same classes.
  init(
    _ panels: [FeaturePanel], classNames: [String], configuration: FeatureSheetConfiguration
  ) {
    self.panels = panels
    self.classNames = classNames
    let targets = Set(panels.compactMap(\.target))
    target = targets.count == 1 ? targets.first : nil
    palette = SheetPalette(target: target)
    let columns = Self.columns(panels.count)
    let rows = (panels.count + columns - 1) / columns
    let width =
      2 * Self.margin + Double(columns) * Self.side + Double(columns - 1) * Self.gap
    let notes = Self.wrapped(
      SheetNotes.text(panels, classCount: classNames.count, configuration: configuration),
      width: width - 2 * Self.margin)
    let panelsEnd = Self.margin + Double(rows) * (Self.panelHeight + Self.gap) - Self.gap
    let entries = Self.legend(classNames, target: target, panels: panels)
    let places = Self.flow(entries, width: width - 2 * Self.margin)
    let notesStart = panelsEnd + 30 + Double((places.last?.row ?? 0) + 1) * Self.legendRow
    drawing = Drawing(
      width: width, height: notesStart + Double(notes.count) * Self.noteRow + Self.margin / 2)
    for (index, panel) in panels.enumerated() {
      draw(
        panel, x: Self.margin + Double(index % columns) * (Self.side + Self.gap),
        y: Self.margin + Double(index / columns) * (Self.panelHeight + Self.gap))
    }
    drawLegend(entries, at: places, y: panelsEnd + 20)
    for (index, line) in notes.enumerated() {
      let y = notesStart + Double(index) * Self.noteRow
      drawing.text(line, at: .init(Self.margin, y), size: Self.noteSize, color: Color(0x4D4D4D))
    }
  }

  /// Panels in a row: up to three, or two rows of two.
  private static func columns(_ count: Int) -> Int {
    count == 4 ? 2 : min(count, count > 9 ? 4 : 3)
  }

  // MARK: A panel

  private mutating func draw(_ panel: FeaturePanel, x: Double, y: Double) {
    let middle = x + Self.side / 2
    drawing.text(
      panel.description.title, at: .init(middle, y + 14), size: 15, anchor: .middle, isBold: true)
    drawing.text(SheetNotes.rates(panel), at: .init(middle, y + 34), size: 12, anchor: .middle)
    let top = y + Self.titleHeight
    drawing.items.append(
      .rectangle(
        .init(x, top), width: Self.side, height: Self.side, fill: nil, line: Color(0xB3B3B3)))
    drawPoints(panel, x: x, y: top)
    for (index, line) in SheetNotes.figures(panel).enumerated() {
      let place = Drawing.Point(middle, top + Self.side + 17 + Double(index) * 16)
      drawing.text(line, at: place, size: 11.5, anchor: .middle)
    }
  }

  /// Clean points class by class, the target class above the others, triggered points above all.
  private mutating func drawPoints(_ panel: FeaturePanel, x: Double, y: Double) {
    let places = Self.fitted(panel.positions, x: x, y: y)
    let others = classNames.indices.filter { $0 != panel.target }
    for label in others + (panel.target.map { [$0] } ?? []) {
      let points = panel.labels.indices.filter { panel.labels[$0] == label }.map { places[$0] }
      guard !points.isEmpty else { continue }
      drawing.items.append(.marks(points, style(of: label, isTarget: label == panel.target)))
    }
    let triggered = Array(places[panel.labels.count...])
    if !triggered.isEmpty { drawing.items.append(.marks(triggered, Self.triggeredStyle)) }
  }

  private func style(of label: Int, isTarget: Bool) -> Drawing.MarkStyle {
    let color = palette.color(of: label)
    guard isTarget else { return .init(.disc, size: 2.2, fill: color) }
    return .init(.disc, size: 2.8, fill: color, outline: .white)
  }

  private static let triggeredStyle = Drawing.MarkStyle(
    .triangle, size: 3.8, fill: SheetPalette.triggeredColor, outline: .white)

  /// The places of `positions` [n, 2] in the plot at (`x`, `y`): one scale for both directions.
  private static func fitted(_ positions: FeatureMatrix, x: Double, y: Double) -> [Drawing.Point] {
    let points = (0..<positions.rows).map { row in
      Drawing.Point(Double(positions[row][0]), Double(positions[row][1]))
    }
    let (xs, ys) = (points.map(\.x), points.map(\.y))
    let (left, right) = (xs.min() ?? 0, xs.max() ?? 0)
    let (bottom, top) = (ys.min() ?? 0, ys.max() ?? 0)
    let extent = max(right - left, top - bottom)
    let scale = extent > 0 ? (side - 24) / extent : 0
    return points.map { point in
      Drawing.Point(
        x + side / 2 + (point.x - (left + right) / 2) * scale,
        y + side / 2 - (point.y - (bottom + top) / 2) * scale)
    }
  }

  // MARK: Legend and notes

  /// The texts of the legend: the classes, then, where there are some, triggered points.
  private static func legend(
    _ classNames: [String], target: Int?, panels: [FeaturePanel]
  ) -> [String] {
    let classes = classNames.enumerated().map { label, name in
      let short = name.count > 20 ? name.prefix(17) + "..." : name[...]
      return label == target ? "\(short) (target)" : "\(short)"
    }
    return panels.contains { $0.triggeredCount > 0 } ? classes + ["triggered"] : classes
  }

  private mutating func drawLegend(
    _ entries: [String], at places: [(x: Double, row: Int)], y: Double
  ) {
    for (index, (entry, place)) in zip(entries, places).enumerated() {
      let center = Drawing.Point(
        Self.margin + place.x + 5, y + Double(place.row) * Self.legendRow)
      var style =
        index < classNames.count
        ? style(of: index, isTarget: index == target) : Self.triggeredStyle
      style.size += 1.6
      drawing.items.append(.marks([center], style))
      drawing.text(entry, at: .init(center.x + 10, center.y + 4), size: 12)
    }
  }

  /// Where texts stand that follow one another in rows of `width`, each after its mark.
  private static func flow(_ entries: [String], width: Double) -> [(x: Double, row: Int)] {
    var (x, row) = (0.0, 0)
    return entries.map { entry in
      // Fonts differ, and texts here must not touch the next mark.
      let needed = 15 + Double(entry.count) * 12 * 1.15 * characterWidth
      if x > 0 && x + needed > width { (x, row) = (0, row + 1) }
      defer { x += needed + 14 }
      return (x, row)
    }
  }

  /// `text` in lines of at most `width`, broken at spaces.
  private static func wrapped(_ text: String, width: Double) -> [String] {
    let limit = Int(width / (noteSize * characterWidth))
    var lines = [""]
    for word in text.split(separator: " ") {
      let last = lines[lines.count - 1]
      if last.isEmpty {
        lines[lines.count - 1] = String(word)
      } else if last.count + 1 + word.count <= limit {
        lines[lines.count - 1] += " \(word)"
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }
}
