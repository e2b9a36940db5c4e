import Core
import Testing

/// Text never becomes markup, whatever it is.
@Suite struct HTMLTextTests {
  @Test(arguments: [
    ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
    ("\"x\" onload='y'", "&quot;x&quot; onload=&#39;y&#39;"),
    ("</title><script>", "&lt;/title&gt;&lt;script&gt;"),
    ("plain é 字", "plain é 字"), ("", ""),
    ("\u{1B}[31m", "\\u{1b}[31m"), ("\u{202E}txt", "\\u{202e}txt"),
  ])
  func textIsEscaped(text: String, expected: String) {
    #expect(HTMLText.escaped(text) == expected)
  }

  @Test(arguments: [0xFFFE, 0xFFFF, 0x1FFFF, 0xFDD0] as [UInt32])
  func whatIsNoCharacterIsReplaced(code: UInt32) throws {
    let scalar = try #require(Unicode.Scalar(code))
    #expect(HTMLText.escaped("a\(Character(scalar))") == "a\u{FFFD}")
  }

  @Test func attributesAreEscapedToo() {
    var html = HTMLText()
    html.tag("a", ["href": "\"><script>"], text: "<b>")
    #expect(html.markup == "<a href=\"&quot;&gt;&lt;script&gt;\">&lt;b&gt;</a>")
  }

  @Test func everyByteOfMarkupInATextIsGone() {
    for code in (0 as UInt32)...0x2FF {
      guard let scalar = Unicode.Scalar(code) else { continue }
      let escaped = HTMLText.escaped("x\(Character(scalar))y")
      #expect(!escaped.contains { "<>\"'".contains($0) })
      // A control character would not be valid HTML.
      let controls = escaped.unicodeScalars.filter {
        $0.properties.generalCategory == .control && $0 != "\n"
      }
      #expect(controls.isEmpty, "U+\(String(code, radix: 16))")
    }
  }

  @Test func aTableHasACaptionAndNamesItsRowsAndColumns() {
    var html = HTMLText()
    html.table(caption: "c", columns: ["name", "n"], rows: [["a", "1"]], numbers: 1..<2)
    for part in [
      "<caption>c</caption>", "<th scope=\"col\">name</th>", "<th scope=\"col\" class=\"n\">n</th>",
      "<th scope=\"row\">a</th>", "<td class=\"n\">1</td>", "tabindex=\"0\" role=\"region\"",
    ] { #expect(html.markup.contains(part), "\(part)") }
  }
}
