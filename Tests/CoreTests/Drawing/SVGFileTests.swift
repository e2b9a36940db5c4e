import Core
import Foundation
import Testing

/// Drawings as text.
@Suite struct SVGFileTests {
  private func body(_ drawing: Drawing) -> [String] {
    SVGFile.text(drawing).split(separator: "\n").dropFirst(2).dropLast().map(String.init)
  }

  @Test func everyShapeIsOneElementInOrder() {
    var drawing = Drawing(width: 100, height: 50.25)
    drawing.items.append(
      .rectangle(.init(1, 2), width: 30, height: 40.5, fill: nil, line: Color(0xB3)))
    drawing.items.append(
      .marks([.init(3.04, 4), .init(-5.06, 0.96)], .init(.disc, size: 2.2, fill: .ink)))
    drawing.text("a < b", at: .init(50, 9), size: 12, anchor: .middle, isBold: true)
    #expect(
      body(drawing) == [
        "<rect x=\"1\" y=\"2\" width=\"30\" height=\"40.5\" fill=\"none\" stroke=\"#0000b3\"/>",
        "<path d=\"M3 4h0M-5.1 1h0\" stroke=\"#1a1a1a\" stroke-width=\"4.4\" "
          + "stroke-linecap=\"round\"/>",
        "<text x=\"50\" y=\"9\" font-size=\"12\" text-anchor=\"middle\" font-weight=\"bold\" "
          + "fill=\"#1a1a1a\">a &lt; b</text>",
      ])
    #expect(SVGFile.text(drawing).contains("viewBox=\"0 0 100 50.3\""))
  }

  @Test func anOutlineLiesBelowItsMarks() {
    var drawing = Drawing(width: 9, height: 9)
    drawing.items.append(
      .marks(
        [.init(4, 4)],
        .init(.triangle, size: 2, fill: .ink, outline: .white, outlineWidth: 0.5)))
    let lines = body(drawing)
    #expect(lines.count == 2)
    #expect(lines[0].contains("stroke=\"#ffffff\" stroke-width=\"1\""))
    #expect(lines[1] == "<path d=\"M4 2l1.7 3h-3.5z\" fill=\"#1a1a1a\"/>")
  }

  /// Class names come from folders, and a folder may be called anything.
  @Test(arguments: ["</svg>", "a&b", "\"q\"", "tab\tline\nend", "nul\u{0}bell\u{7}", "日本 é"])
  func anyTextIsWellFormed(text: String) throws {
    var drawing = Drawing(width: 9, height: 9)
    drawing.text(text, at: .init(0, 0), size: 9)
    let parser = TextReader()
    #expect(parser.read(SVGFile.text(drawing)))
    #expect(parser.text.count == text.count)
  }
}

/// Reads XML and keeps its text.
private final class TextReader {
  private(set) var text = ""

  /// Whether `xml` is one `<text>` between well-formed tags; nothing but entities may hold `&`, `<`.
  func read(_ xml: String) -> Bool {
    guard let start = xml.range(of: "<text "),
      let open = xml[start.upperBound...].firstIndex(of: ">"),
      let end = xml.range(of: "</text>")
    else { return false }
    text = String(xml[xml.index(after: open)..<end.lowerBound])
    guard !text.contains("<"), !text.contains(">") else { return false }
    for (entity, meaning) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "\u{1}")] {
      text = text.replacingOccurrences(of: entity, with: meaning)
    }
    return !text.contains("&")
      && text.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\u{1}" }
  }
}
