import Foundation

/// HTML as it grows: markup comes from here alone, and all text in it is escaped.
///
/// Names and paths are from files and may hold anything.
package struct HTMLText {
  /// Nothing yet.
  package init() {}

  /// The markup so far.
  package private(set) var markup = ""

  /// Names of attributes and their values, in their order.
  package typealias Attributes = KeyValuePairs<String, String>

  /// Adds `text` as it is to be read.
  package mutating func text(_ text: String) { markup += Self.escaped(text) }

  /// Adds an element with whatever `body` adds within it.
  package mutating func tag(
    _ name: String, _ attributes: Attributes = [:], _ body: (inout HTMLText) throws -> Void
  ) rethrows {
    open(name, attributes)
    try body(&self)
    markup += "</\(name)>"
    if !Self.inline.contains(name) { markup += "\n" }
  }

  /// Adds an element that holds `text`.
  package mutating func tag(_ name: String, _ attributes: Attributes = [:], text: String) {
    tag(name, attributes) { $0.text(text) }
  }

  /// Adds an element that holds nothing, such as an image.
  package mutating func void(_ name: String, _ attributes: Attributes = [:]) {
    open(name, attributes)
  }

  /// Adds an element of a drawing that holds nothing.
  package mutating func shape(_ name: String, _ attributes: Attributes) {
    open(name, attributes, end: "/>")
  }

  /// Adds what another one holds.
  package mutating func add(_ other: HTMLText) { markup += other.markup }

  /// Adds markup that no text has gone into, such as a style sheet.
  package mutating func addMarkup(_ constant: StaticString) { markup += "\(constant)" }

  private mutating func open(_ name: String, _ attributes: Attributes, end: String = ">") {
    markup += "<\(name)"
    for (key, value) in attributes { markup += " \(key)=\"\(Self.escaped(value))\"" }
    markup += end
  }

  /// Elements after which a line end would be a space that is read.
  private static let inline: Set = [
    "a", "b", "code", "span", "strong", "em", "small", "td", "th", "dt", "dd", "text", "tspan",
  ]

  /// `text` without what means something to HTML, what it forbids, and what hides or turns text.
  package static func escaped(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy {
      0x20 <= $0 && $0 < 0x7F && $0 != UInt8(ascii: "&") && $0 != UInt8(ascii: "<")
        && $0 != UInt8(ascii: ">") && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "'")
    }
    if isPlain { return text }
    var result = ""
    for scalar in text.printable(keepingLines: true).unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(isNoCharacter(scalar) ? "\u{FFFD}" : scalar)
      }
    }
    return result
  }

  private static func isNoCharacter(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value & 0xFFFE == 0xFFFE || (0xFDD0...0xFDEF).contains(scalar.value)
  }
}

extension HTMLText {
  /// Adds a paragraph.
  package mutating func paragraph(_ text: String, _ attributes: Attributes = [:]) {
    tag("p", attributes, text: text)
  }

  /// Adds a paragraph in the quiet colour: what a figure means, or why there is none.
  package mutating func note(_ text: String) { tag("p", ["class": "note"], text: text) }

  /// Adds a table in a box that scrolls by itself where the table is too wide.
  ///
  /// Columns of `numbers` are aligned at the right; the first column names its row.
  package mutating func table(
    caption: String, columns: [String], rows: [[String]], numbers: Range<Int>
  ) {
    scrolling(caption) { html in
      html.tag("table") { html in
        html.tag("caption", text: caption)
        html.tag("thead") { html in
          html.tag("tr") { html in
            for (place, column) in columns.enumerated() {
              html.tag(
                "th", numbers.contains(place) ? ["scope": "col", "class": "n"] : ["scope": "col"],
                text: column)
            }
          }
        }
        html.tag("tbody") { html in
          for row in rows {
            html.tag("tr") { html in
              for (place, cell) in row.enumerated() {
                if place == 0 {
                  html.tag("th", ["scope": "row"], text: cell)
                } else {
                  html.tag("td", numbers.contains(place) ? ["class": "n"] : [:], text: cell)
                }
              }
            }
          }
        }
      }
    }
  }

  /// Adds a box called `name` that scrolls sideways by itself, by keyboard too.
  package mutating func scrolling(_ name: String, _ body: (inout HTMLText) -> Void) {
    tag(
      "div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": name], body)
  }

  /// Adds what is shown once it is asked for.
  package mutating func details(_ summary: String, _ body: (inout HTMLText) -> Void) {
    tag("details") { html in
      html.tag("summary", text: summary)
      body(&html)
    }
  }
}
