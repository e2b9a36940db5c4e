import CCairo
import Foundation

/// A drawing as a PNG, rasterised by cairo's image surface.
///
/// Text is drawn in the font that cairo itself brings along, so no font file is needed and a
/// drawing looks the same everywhere; that font has ASCII alone, other characters become `?`.
public enum RasterFile {
  /// The bytes of a PNG of `scale` pixels a unit; throws `ImageError` for `path`.
  public static func png(_ drawing: Drawing, scale: Double = 2, path: String) throws -> [UInt8] {
    let image = try pixels(drawing, scale: scale, path: path)
    return try image.pixels.withUnsafeBufferPointer {
      try ImageFile.encodePNG($0, width: image.width, height: image.height, path: path)
    }
  }

  /// The drawing at `scale` pixels a unit; throws `ImageError` for `path`.
  package static func pixels(_ drawing: Drawing, scale: Double, path: String) throws -> RGBImage {
    let (width, height) = (Int(drawing.width * scale), Int(drawing.height * scale))
    guard (1...ImageFile.maximumSide).contains(width),
      (1...ImageFile.maximumSide).contains(height)
    else { throw ImageError.unwritable(path: path, reason: "\(width)x\(height) pixels") }
    let surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, Int32(width), Int32(height))
    defer { cairo_surface_destroy(surface) }
    let cairo = cairo_create(surface)
    defer { cairo_destroy(cairo) }
    setColor(cairo, .white)
    cairo_paint(cairo)
    cairo_scale(cairo, scale, scale)
    for item in drawing.items { draw(item, cairo) }
    cairo_surface_flush(surface)
    let status = cairo_status(cairo)
    guard status == CAIRO_STATUS_SUCCESS, let data = cairo_image_surface_get_data(surface) else {
      let reason = cairo_status_to_string(status).map { String(cString: $0) } ?? "no memory"
      throw ImageError.unwritable(path: path, reason: reason)
    }
    let stride = Int(cairo_image_surface_get_stride(surface))
    return rgb(data, width: width, height: height, stride: stride)
  }

  /// Pixels that cairo keeps as 0x00RRGGBB in words of the machine's byte order.
  private static func rgb(
    _ data: UnsafeMutablePointer<UInt8>, width: Int, height: Int, stride: Int
  ) -> RGBImage {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(width * height * 3)
    for y in 0..<height {
      let row = UnsafeRawPointer(data + y * stride)
      for x in 0..<width {
        let word = row.load(fromByteOffset: 4 * x, as: UInt32.self)
        pixels.append(UInt8(truncatingIfNeeded: word >> 16))
        pixels.append(UInt8(truncatingIfNeeded: word >> 8))
        pixels.append(UInt8(truncatingIfNeeded: word))
      }
    }
    return RGBImage(pixels: pixels, width: width, height: height)
  }

  private static func draw(_ item: Drawing.Item, _ cairo: OpaquePointer?) {
    switch item {
    case .rectangle(let corner, let width, let height, let fill, let line):
      cairo_rectangle(cairo, corner.x, corner.y, width, height)
      if let fill {
        setColor(cairo, fill)
        cairo_fill_preserve(cairo)
      }
      if let line {
        setColor(cairo, line)
        cairo_set_line_width(cairo, 1)
        cairo_stroke_preserve(cairo)
      }
      cairo_new_path(cairo)
    case .marks(let points, let style): draw(points, style, cairo)
    case .text(let text, let point, let size, let anchor, let isBold, let color):
      draw(text, point, size: size, anchor: anchor, isBold: isBold, color, cairo)
    }
  }

  private static func draw(
    _ points: [Drawing.Point], _ style: Drawing.MarkStyle, _ cairo: OpaquePointer?
  ) {
    for point in points { trace(style.mark, point, style.size, cairo) }
    if let outline = style.outline {
      setColor(cairo, outline)
      cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND)
      cairo_set_line_width(cairo, 2 * style.outlineWidth)
      cairo_stroke_preserve(cairo)
    }
    setColor(cairo, style.fill)
    cairo_fill(cairo)
  }

  private static func trace(
    _ mark: Drawing.Mark, _ point: Drawing.Point, _ size: Double, _ cairo: OpaquePointer?
  ) {
    cairo_new_sub_path(cairo)
    switch mark {
    case .disc: cairo_arc(cairo, point.x, point.y, size, 0, 2 * .pi)
    case .triangle:
      let half = size * 0.75.squareRoot()
      cairo_move_to(cairo, point.x, point.y - size)
      cairo_line_to(cairo, point.x + half, point.y + size / 2)
      cairo_line_to(cairo, point.x - half, point.y + size / 2)
    }
    cairo_close_path(cairo)
  }

  private static func draw(
    _ text: String, _ point: Drawing.Point, size: Double, anchor: Drawing.Anchor, isBold: Bool,
    _ color: Color, _ cairo: OpaquePointer?
  ) {
    let ascii = String(text.map { $0.isASCII && !$0.isNewline ? $0 : "?" })
    let weight = isBold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL
    cairo_select_font_face(cairo, "@cairo:", CAIRO_FONT_SLANT_NORMAL, weight)
    cairo_set_font_size(cairo, size)
    var extents = cairo_text_extents_t()
    cairo_text_extents(cairo, ascii, &extents)
    let before =
      switch anchor {
      case .start: 0.0
      case .middle: extents.x_advance / 2
      case .end: extents.x_advance
      }
    setColor(cairo, color)
    cairo_move_to(cairo, point.x - before, point.y)
    cairo_show_text(cairo, ascii)
    cairo_new_path(cairo)
  }

  private static func setColor(_ cairo: OpaquePointer?, _ color: Color) {
    let (red, green, blue) = color.components
    cairo_set_source_rgb(cairo, red, green, blue)
  }
}
