import Foundation

/// A table whose cells are shaded by their values: a heat map that copies as text.
struct HeatTable {
  /// One cell: what it says, and how dark it is.
  struct Cell {
    /// 0…1; nil is not shaded.
    var share: Double?
    let text: String
    /// Said in small letters below, a line each.
    var small: [String] = []

    /// The mean of `values` with their number and spread, as dark as the mean of `badness`, and how
    /// many runs have none.
    init(_ values: [Double], badness: [Double], diverged: Int) {
      let lost = diverged > 0 ? ["\(diverged) diverged"] : []
      guard let least = values.min(), let most = values.max() else {
        (share, text, small) = (nil, "–", lost)
        return
      }
      let dark = badness.isEmpty ? 0 : badness.reduce(0, +) / Double(badness.count)
      share = min(max(dark, 0), 1)
      text = String(format: "%.3f", values.reduce(0, +) / Double(values.count))
      let spread = values.count > 1 ? String(format: "%.3f…%.3f, ", least, most) : ""
      small = ["\(spread)n \(values.count)"] + lost
    }

    /// A count, as dark as its `share`.
    init(count: Int64, share: Double?) {
      (self.share, text) = (share, count == 0 ? "·" : "\(count)")
    }
  }

  let caption: String
  /// The headings of the columns that name the rows.
  let corner: [String]
  let columns: [String]
  /// The names of each row, as many as there are in `corner`.
  let rows: [[String]]
  let cells: [[Cell?]]
  /// A column that is marked, such as the target class's.
  var marked: Int?

  /// Adds the table in a box that scrolls by itself.
  func add(to html: inout HTMLText) {
    html.scrolling(caption) { html in
      html.tag("table", ["class": "heat"]) { html in
        html.tag("caption", text: caption)
        html.tag("thead") { html in
          html.tag("tr") { html in
            for name in corner { html.tag("th", ["scope": "col"], text: name) }
            for (place, name) in columns.enumerated() {
              html.tag(
                "th", ["scope": "col", "class": place == marked ? "n target" : "n"], text: name)
            }
          }
        }
        html.tag("tbody") { html in
          for (names, cells) in zip(rows, cells) {
            html.tag("tr") { html in
              for name in names { html.tag("th", ["scope": "row"], text: name) }
              for cell in cells { add(cell, to: &html) }
            }
          }
        }
      }
    }
  }

  private func add(_ cell: Cell?, to html: inout HTMLText) {
    guard let cell else { return html.tag("td", ["class": "none"], text: "") }
    let body = { (html: inout HTMLText) in
      html.text(cell.text)
      for line in cell.small {
        html.text(" ")
        html.tag("small", text: line)
      }
    }
    guard let share = cell.share else { return html.tag("td", ["class": "none"], body) }
    html.tag("td", ["style": "--v:\(String(format: "%.3f", share))"], body)
  }
}
