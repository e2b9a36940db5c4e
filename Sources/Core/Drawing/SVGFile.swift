import Foundation

/// A drawing as SVG text: real text, and one path for all marks of a kind.
///
/// A disc is a line of no length with round ends, which takes a tenth of a `<circle>`'s bytes.
/// Coordinates are rounded to tenths of a unit. Equal drawings give equal bytes.
public enum SVGFile {
  /// The whole file.
  public static func text(_ drawing: Drawing) -> String {
    let size = "width=\"\(number(drawing.width))\" height=\"\(number(drawing.height))\""
    let box = "viewBox=\"0 0 \(number(drawing.width)) \(number(drawing.height))\""
    let fonts = "font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\""
    let head = "<svg xmlns=\"http://www.w3.org/2000/svg\" \(size) \(box) \(fonts)>"
    let ground = "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>"
    return ([head, ground] + drawing.items.map(element) + ["</svg>", ""]).joined(separator: "\n")
  }

  private static func element(_ item: Drawing.Item) -> String {
    switch item {
    case .rectangle(let corner, let width, let height, let fill, let line):
      "<rect x=\"\(number(corner.x))\" y=\"\(number(corner.y))\" width=\"\(number(width))\" "
        + "height=\"\(number(height))\" fill=\"\(fill.map(hex) ?? "none")\""
        + (line.map { " stroke=\"\(hex($0))\"" } ?? "") + "/>"
    case .marks(let points, let style): marks(points, style)
    case .text(let text, let point, let size, let anchor, let isBold, let color):
      "<text x=\"\(number(point.x))\" y=\"\(number(point.y))\" font-size=\"\(number(size))\""
        + (anchor == .start ? "" : " text-anchor=\"\(anchor.rawValue)\"")
        + (isBold ? " font-weight=\"bold\"" : "")
        + " fill=\"\(hex(color))\">\(escaped(text))</text>"
    }
  }

  private static func marks(_ points: [Drawing.Point], _ style: Drawing.MarkStyle) -> String {
    let width = style.outlineWidth
    switch style.mark {
    case .disc:
      let path = points.map { "M\(number($0.x)) \(number($0.y))h0" }.joined()
      func discs(_ color: Color, _ radius: Double) -> String {
        "<path d=\"\(path)\" stroke=\"\(hex(color))\" stroke-width=\"\(number(2 * radius))\" "
          + "stroke-linecap=\"round\"/>"
      }
      let below = style.outline.map { discs($0, style.size + width) + "\n" } ?? ""
      return below + discs(style.fill, style.size)
    case .triangle:
      let (half, rise) = (style.size * 0.75.squareRoot(), style.size * 1.5)
      let shape = "l\(number(half)) \(number(rise))h\(number(-2 * half))z"
      let path = points.map { "M\(number($0.x)) \(number($0.y - style.size))\(shape)" }.joined()
      let below = style.outline.map {
        "<path d=\"\(path)\" stroke=\"\(hex($0))\" stroke-width=\"\(number(2 * width))\" "
          + "stroke-linejoin=\"round\"/>\n"
      }
      return (below ?? "") + "<path d=\"\(path)\" fill=\"\(hex(style.fill))\"/>"
    }
  }

  /// The number with one decimal, without a decimal that is 0.
  static func number(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    let (whole, rest) = (abs(tenths) / 10, abs(tenths) % 10)
    return (tenths < 0 ? "-" : "") + "\(whole)" + (rest == 0 ? "" : ".\(rest)")
  }

  private static func hex(_ color: Color) -> String {
    let digits = String(color.code, radix: 16)
    return "#" + String(repeating: "0", count: max(6 - digits.count, 0)) + digits
  }

  /// The text without characters that mean something to XML, or that XML forbids.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\t", "\n", "\r": result += " "
      default:
        let isForbidden = scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF
        result.unicodeScalars.append(isForbidden ? "?" : scalar)
      }
    }
    return result
  }
}
