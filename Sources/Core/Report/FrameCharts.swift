import Foundation

/// The charts of a frame: rates, loss and learning rate over its rows.
struct FrameCharts {
  let frame: AttackDataFrame
  /// Rows of the largest table.
  private static let mostRows = 1000
  /// What the rates are called above their chart.
  let title: String
  /// What follows the charts' titles.
  var suffix = ""
  /// Learning rates by row; nil where they are not known.
  var learningRates: [Double?] = []

  /// The charts that have at least `least` points in a line.
  func charts(least: Int = 1) -> [LineChart] {
    var (title, rates) = (
      title, [("C-ACC", "test_acc"), ("ASR", "test_asr"), ("RA", "test_ra")]
    )
    if frame.column("test_acc").allSatisfy(\.isNaN) {
      (title, rates) = ("Held-out images", [("accuracy", "held_out_acc")])
    }
    let isEpoch = frame.columns.first == "epoch"
    let xName = isEpoch ? "epoch" : (frame.columns.first ?? "row")
    let charts = [
      LineChart(
        title: title + suffix, xName: xName, lines: lines(rates), range: 0...1),
      LineChart(
        title: "Training loss" + suffix, xName: xName,
        lines: lines([("loss", "train_epoch_loss_avg_over_batch")])),
      LineChart(title: "Learning rate", xName: xName, lines: [learningRateLine]),
    ]
    return charts.filter { chart in
      chart.lines.contains { $0.points.count { $0.y.isFinite } >= least }
    }
  }

  /// Adds the charts side by side.
  func add(to html: inout HTMLText, least: Int = 1) {
    let charts = charts(least: least)
    guard !charts.isEmpty else { return }
    html.tag("div", ["class": "charts"]) { html in charts.forEach { $0.add(to: &html) } }
  }

  /// Where each row stands: epochs are counted from 1.
  private var xs: [Double] {
    guard let first = frame.columns.first else { return [] }
    return frame.column(first).map { first == "epoch" ? $0 + 1 : $0 }
  }

  private func lines(_ names: [(name: String, column: String)]) -> [LineChart.Line] {
    names.compactMap { name, column in
      let values = frame.column(column)
      guard values.contains(where: \.isFinite) else { return nil }
      return LineChart.Line(
        name: name, points: zip(xs, values).filter { $0.0.isFinite }.map { (x: $0.0, y: $0.1) })
    }
  }

  private var learningRateLine: LineChart.Line {
    let known = zip(xs, learningRates).map { (x: $0.0, y: $0.1 ?? .nan) }
    return LineChart.Line(
      name: "lr", points: known.contains { $0.y.isFinite } ? known : [], format: "%.3g")
  }

  /// Adds the numbers behind the charts, closed.
  func addTable(to html: inout HTMLText) {
    let shown = [
      ("epoch", "epoch"), ("train_epoch_loss_avg_over_batch", "training loss"),
      ("train_acc", "training accuracy"), ("clean_test_loss_avg_over_batch", "clean test loss"),
      ("bd_test_loss_avg_over_batch", "triggered test loss"), ("test_acc", "C-ACC"),
      ("test_asr", "ASR"), ("test_ra", "RA"), ("test_cross_acc", "cross accuracy"),
    ].filter { frame.columns.contains($0.0) }
    guard !frame.rows.isEmpty, !shown.isEmpty else { return }
    let hasRates = learningRates.contains { $0 != nil }
    let values = shown.map { frame.column($0.0) }
    let rows = frame.rows.indices.prefix(Self.mostRows).map { row in
      zip(shown, values).map { name, column in
        name.0 == "epoch" ? Self.whole(column[row] + 1) : Self.cell(column[row])
      } + (hasRates ? [learningRates[row].map { String(format: "%.4g", $0) } ?? ""] : [])
    }
    html.details("The numbers by epoch") { html in
      html.table(
        caption: rows.count == frame.rows.count
          ? "One row an epoch." : "The first \(rows.count) of \(frame.rows.count) epochs.",
        columns: shown.map(\.1) + (hasRates ? ["lr"] : []),
        rows: rows, numbers: 1..<shown.count + 1)
    }
  }

  /// A whole number as text.
  static func whole(_ value: Double) -> String { String(format: "%.0f", value) }
  /// A number with two decimals.
  static func short(_ value: Double) -> String { String(format: "%.2f", value) }

  /// A number of a table; empty where there is none.
  static func cell(_ value: Double) -> String {
    value.isFinite ? String(format: abs(value) < 1000 ? "%.4f" : "%.4g", value) : ""
  }
}
