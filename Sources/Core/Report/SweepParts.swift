import Foundation

/// The parts of a page that a sweep has.
struct SweepParts {
  let files: SweepFiles
  /// The element of headings below a part's title.
  var heading = "h3"

  /// Rows of one attack, rate and defence: runs that differ in their seeds.
  struct Cell {
    let rows: [SweepFiles.Row]

    /// The values of a rate in the runs that did not diverge.
    func values(_ value: (SweepFiles.Row) -> Double?) -> [Double] {
      rows.filter { !$0.diverged }.compactMap(value)
    }
  }

  /// The plan's name.
  var title: String { "Sweep \(files.name)" }

  /// What it holds, in a sentence.
  var lead: String {
    let lost = files.rows.count { $0.diverged }
    let attacks = Set(files.rows.map(\.attack)).count
    return "\(files.rows.count) runs of \(attacks) attack\(attacks == 1 ? "" : "s")"
      + (lost > 0 ? ", \(lost) diverged" : "")
  }

  /// All parts, of which empty ones are left out.
  var parts: [(title: String, body: HTMLText)] {
    let all: [(String, (inout HTMLText) -> Void)] = [
      ("Attacks, rates and defences", addHeat), ("What each defence costs", addTradeOff),
      ("What was done", addCommand), ("All runs", addRuns),
    ]
    return all.compactMap { title, add in
      var html = HTMLText()
      add(&html)
      return html.markup.isEmpty ? nil : (title, html)
    }
  }

  private func addCommand(_ html: inout HTMLText) {
    if let command = files.command {
      html.paragraph("The command, to be given again in the same folder:")
      html.tag("pre", ["tabindex": "0"]) { $0.tag("code", text: command) }
    }
    if !files.machines.isEmpty { html.note("On " + files.machines.joined(separator: "; ") + ".") }
    html.note("Folder: \(files.folder)")
    guard !files.settings.isEmpty else { return }
    let help = Dictionary(
      AttackConfiguration.fields.map { ($0.key, SettingRows.short($0.help)) }
    ) { $1 }
    html.details("Settings of the attacks (\(files.settings.count))") { html in
      html.table(
        caption: "A setting in several values has them all.",
        columns: ["setting", "value", "what it decides"],
        rows: files.settings.map { key, values in
          [key, values.joined(separator: " · "), help[key] ?? ""]
        }, numbers: 0..<0)
    }
  }

  private func addRuns(_ html: inout HTMLText) {
    guard !files.rows.isEmpty else { return }
    html.details("A row for each of the \(files.rows.count) runs") { html in
      html.table(
        caption: "Seeds are the attack's and the tuning's; mode none is the attacked model.",
        columns: [
          "attack", "rate", "defence", "seeds", "C-ACC before", "ASR before", "RA before", "C-ACC",
          "ASR", "RA", "seconds", "outcome",
        ],
        rows: files.rows.map { row in
          [row.attack, row.ratio, row.defence ?? "none", row.seeds] + row.before.figures
            + row.after.figures
            + [row.seconds.map { FrameCharts.short($0) } ?? "", row.diverged ? "diverged" : "done"]
        }, numbers: 4..<11)
    }
  }

  // MARK: Attacks x rates x defences

  /// Attack and rate of each row of the heat maps, the larger rates first.
  private var attacks: [[String]] {
    let known = unique(files.rows.map(\.attack))
    return known.flatMap { attack in
      unique(files.rows.filter { $0.attack == attack }.map { [attack, $0.ratio] })
        .sorted { (Double($0[1]) ?? 0) > (Double($1[1]) ?? 0) }
    }
  }
  /// The columns: the attacked model, then each defence.
  private var defences: [String?] {
    let known = unique(files.rows.compactMap(\.defence))
    return [nil] + known.map { $0 }
  }

  private func unique<Item: Hashable>(_ items: [Item]) -> [Item] {
    var seen: Set<Item> = []
    return items.filter { seen.insert($0).inserted }
  }

  private func addHeat(_ html: inout HTMLText) {
    let cells = Dictionary(grouping: files.rows) { [$0.attack, $0.ratio, $0.defence ?? ""] }
      .mapValues { Cell(rows: $0) }
    for map in Self.maps {
      let table = HeatTable(
        caption:
          "\(map.caption) Means over n runs, below them the smallest and the largest; darker is worse.",
        corner: ["attack", "rate"], columns: defences.map { $0 ?? "attacked" }, rows: attacks,
        cells: attacks.map { attack in
          defences.map { defence in
            cells[attack + [defence ?? ""]].map { cell in
              HeatTable.Cell(
                cell.values(map.value), badness: cell.values(map.badness),
                diverged: cell.rows.count { $0.diverged })
            }
          }
        })
      html.tag(heading, text: map.name)
      table.add(to: &html)
    }
  }

  /// A heat map: what its cells say, and how bad that is, 0…1.
  private struct Map {
    let name: String
    let caption: String
    let value: (SweepFiles.Row) -> Double?
    let badness: (SweepFiles.Row) -> Double?
  }

  private static var maps: [Map] {
    [
      Map(
        name: "Attack success rate", caption: "What is left of the backdoor.",
        value: { $0.after.attack }, badness: { $0.after.attack }),
      Map(
        name: "Clean accuracy",
        caption: "As dark as what was lost of the attacked model's, 0.2 or more being darkest.",
        value: { $0.after.clean },
        badness: { row in
          row.before.clean.flatMap { before in row.after.clean.map { (before - $0) * 5 } }
        }),
      Map(
        name: "Robust accuracy", caption: "Triggered images classified right.",
        value: { $0.after.robust }, badness: { row in row.after.robust.map { 1 - $0 } }),
    ]
  }

  // MARK: Clean accuracy lost against ASR left

  private func addTradeOff(_ html: inout HTMLText) {
    let tuned = files.rows.filter { $0.defence != nil && !$0.diverged }
    let groups = unique(tuned.compactMap(\.defence)).map { defence in
      PointChart.Group(
        name: defence,
        points: tuned.filter { $0.defence == defence }.compactMap { row in
          guard let before = row.before.clean, let after = row.after.clean,
            let attack = row.after.attack
          else { return nil }
          return PointChart.Point(
            x: before - after, y: attack, name: "\(row.attack) \(row.ratio), \(defence)")
        })
    }.filter { !$0.points.isEmpty }
    guard !groups.isEmpty else { return }
    html.paragraph(
      "Each point is a tuned model: how much clean accuracy it lost, and what is left of the attack. "
        + "A good defence stands at the lower left.")
    PointChart(
      title: "Clean accuracy lost and attack success rate left", xName: "clean accuracy lost",
      yName: "attack success rate left", groups: groups
    ).add(to: &html)
  }
}
