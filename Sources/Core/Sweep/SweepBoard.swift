import Foundation

/// A plan's results as boards: attacks and rates in rows, tunings and defences in columns, a table
/// for each rate that a model is judged by.
///
/// A cell is a percentage, the mean over the seeds that are done. Of a run that is not, the cell is
/// empty and is named below the tables.
public struct SweepBoard: Sendable {
  /// The runs of a cell that are done, and the number there will be.
  private struct Cell {
    var results: [SweepResult] = []
    var runCount = 0
  }

  private struct Place: Hashable {
    var row, column: String
  }

  private let plan: SweepPlan
  private var rows: [String] = []
  private var columns: [String] = []
  private var cells: [Place: Cell] = [:]
  /// The same of each test.
  private var tested: [DefenceName: [Place: Cell]] = [:]

  /// The boards of `plan` with the `results` on disk.
  public init(_ plan: SweepPlan, results: [String: [SweepResult]]) {
    self.plan = plan
    for group in plan.groups where group.attack.configuration.poisonRatio > 0 {
      let attack = group.attack.configuration
      let row = "\(attack.attack.rawValue) | \(attack.poisonRatio.pythonRepr)"
      Self.note(row, in: &rows)
      Self.note("none", in: &columns)
      Self.add(
        group.attack.outcome(in: results), to: &cells, at: Place(row: row, column: "none"))
      for run in group.tunings {
        let result = run.outcome(of: group.attack, in: results)
        let place = Place(row: row, column: (run.tested?.method ?? run.method).title)
        Self.note(place.column, in: &columns)
        if run.tested == nil {
          Self.add(result, to: &cells, at: place)
        } else if let test = DefenceName(rawValue: run.method.name) {
          Self.add(result, to: &tested[test, default: [:]], at: place)
        }
      }
    }
  }

  private static func note(_ name: String, in names: inout [String]) {
    if !names.contains(name) { names.append(name) }
  }

  private static func add(_ result: SweepResult?, to cells: inout [Place: Cell], at place: Place) {
    cells[place, default: Cell()].runCount += 1
    if let result { cells[place, default: Cell()].results.append(result) }
  }

  /// The tables, and the names of the cells that are not run yet.
  public var markdown: String {
    var lines = [
      "# \(plan.name): the board", "",
      "Percent, means over seeds (\(plan.attackSeeds.count) of attacks, \(plan.tuningSeeds.count) of "
        + "tunings); in brackets how many of them are done, where not all are. None is the attacked "
        + "model.",
    ]
    lines += table("C-ACC: clean test images classified rightly", cells, \.cleanAccuracy)
    lines += table("ASR: triggered images that go where the attack wants", cells) {
      $0.attackSuccessRate
    }
    lines += table("RA: triggered images classified rightly", cells, \.robustAccuracy)
    for test in plan.tests {
      let (name, cells) = (test.rawValue, tested[test] ?? [:])
      lines += table("ASR after \(name) on what each has left", cells, \.attackSuccessRate)
      lines += table("C-ACC after \(name)", cells, \.cleanAccuracy)
    }
    return (lines + missing).joined(separator: "\n") + "\n"
  }

  private func table(
    _ title: String, _ cells: [Place: Cell], _ rate: (BackdoorMetrics) -> Double?
  ) -> [String] {
    let columns = self.columns.filter { column in cells.keys.contains { $0.column == column } }
    let header = ["attack", "pratio"] + columns
    return ["", "## \(title)", "", Self.row(header), Self.row(header.map { _ in "---" })]
      + rows.map { row in
        Self.row([row] + columns.map { Self.text(cells[Place(row: row, column: $0)], rate) })
      }
  }

  private static func row(_ cells: [String]) -> String {
    "| " + cells.joined(separator: " | ") + " |"
  }

  private static func text(_ cell: Cell?, _ rate: (BackdoorMetrics) -> Double?) -> String {
    guard let cell, !cell.results.isEmpty else { return "" }
    let done = cell.results.filter { $0.diverged == nil }
    guard !done.isEmpty else { return "diverged" }
    let rates = done.compactMap { rate($0.after ?? $0.before) }
    guard rates.count == done.count else { return "-" }
    let mean = String(format: "%.1f", 100 * rates.reduce(0, +) / Double(rates.count))
    return done.count == cell.runCount ? mean : "\(mean) (\(done.count) of \(cell.runCount))"
  }

  /// A line for each row with cells that are not run yet, or not all of their runs.
  private var missing: [String] {
    var lines: [String] = []
    var (cellCount, openCount) = (0, 0)
    for row in rows {
      var open: [String] = []
      for (name, cells) in [("", cells)]
        + plan.tests.map({ (" then \($0.rawValue)", tested[$0] ?? [:]) })
      {
        for column in columns {
          guard let cell = cells[Place(row: row, column: column)] else { continue }
          cellCount += 1
          if cell.results.count < cell.runCount { open.append(column + name) }
        }
      }
      openCount += open.count
      if !open.isEmpty {
        let title = row.replacingOccurrences(of: " | ", with: " at ")
        lines.append("- \(title): \(open.joined(separator: ", "))")
      }
    }
    guard openCount > 0 else { return ["", "All \(cellCount) cells are run."] }
    return ["", "## Not run yet: \(openCount) of \(cellCount) cells", ""] + lines
  }
}
