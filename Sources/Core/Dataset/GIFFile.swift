/// The first picture of a GIF file.
enum GIFFile {
  /// The size: the screen's, or more where the first picture reaches beyond it.
  static func size(_ bytes: [UInt8], path: String) throws(ImageError) -> Picture.Size {
    try Header(PictureReader(bytes, format: .gif, path: path)).size
  }

  /// Decodes the first picture into `target`: [height, width, 3].
  ///
  /// What it leaves free gets the transparent colour, or colour 0 where there is none.
  static func decode(
    _ bytes: [UInt8], path: String, into target: UnsafeMutableBufferPointer<UInt8>
  ) throws(ImageError) {
    let file = PictureReader(bytes, format: .gif, path: path)
    let header = try Header(file)
    let palette = try header.palette(file)
    let size = header.size
    for index in 0..<size.width * size.height {
      palette.put(header.transparent ?? 0, at: index * 3, target)
    }
    let frame = header.frame
    var (x, line) = (0, 0)
    let rows = header.isInterlaced ? interlacedRows(frame.height) : Array(0..<frame.height)
    var codes = GIFCodes(file, at: header.dataStart)
    let isWhole = try codes.unpack(frame.width * frame.height) { index in
      let place = (header.top + rows[line]) * size.width + header.left + x
      palette.put(index, at: place * 3, target)
      x += 1
      if x == frame.width { (x, line) = (0, line + 1) }
    }
    guard isWhole else { throw file.error("the file is truncated") }
  }

  /// The rows in the order in which an interlaced picture has them.
  private static func interlacedRows(_ height: Int) -> [Int] {
    [(0, 8), (4, 8), (2, 4), (1, 2)].flatMap { start, step in
      Array(stride(from: start, to: height, by: step))
    }
  }

  private struct Header {
    let size: Picture.Size
    let frame: Picture.Size
    let left: Int
    let top: Int
    let isInterlaced: Bool
    /// The colour that is see-through, if one is.
    private(set) var transparent: UInt8?
    /// Where the packed pixels begin: with the number of bits of a code.
    let dataStart: Int
    private let colors: (start: Int, count: Int)

    init(_ file: PictureReader) throws(ImageError) {
      let flags = try file.byte(10)
      var colors = (start: 13, count: Self.colorCount(flags))
      var position = 13 + colors.count * 3
      try Self.skipExtensions(file, &position, &transparent)
      (left, top) = (try file.short(position + 1), try file.short(position + 3))
      frame = Picture.Size(
        width: try file.short(position + 5), height: try file.short(position + 7))
      guard frame.width > 0, frame.height > 0 else { throw file.error("it holds no picture") }
      let screen = (width: try file.short(6), height: try file.short(8))
      size = Picture.Size(
        width: max(screen.width, left + frame.width),
        height: max(screen.height, top + frame.height))
      let frameFlags = try file.byte(position + 9)
      isInterlaced = frameFlags & 0x40 != 0
      let own = Self.colorCount(frameFlags)
      if own > 0 { colors = (position + 10, own) }
      self.colors = colors
      dataStart = position + 10 + own * 3
    }

    private static func colorCount(_ flags: UInt8) -> Int {
      flags & 0x80 != 0 ? 2 << Int(flags & 7) : 0
    }

    /// Goes on to the first picture.
    private static func skipExtensions(
      _ file: PictureReader, _ position: inout Int, _ transparent: inout UInt8?
    ) throws(ImageError) {
      while true {
        let kind = try file.byte(position)
        if kind == 0x2C { return }
        guard kind == 0x21 else { throw file.error("it holds no picture") }
        if try file.byte(position + 1) == 0xF9, try file.byte(position + 3) & 1 != 0 {
          transparent = try file.byte(position + 6)
        }
        position += 2
        while case let count = Int(try file.byte(position)), count > 0 { position += 1 + count }
        position += 1
      }
    }

    func palette(_ file: PictureReader) throws(ImageError) -> PicturePalette {
      var palette = PicturePalette()
      for place in 0..<colors.count * 3 {
        palette.values[place] = try file.byte(colors.start + place)
      }
      return palette
    }
  }
}
