/// Windows' bitmaps (BMP) of 1, 4, 8, 16, 24 and 32 bits a pixel, packed runs included.
enum BitmapFile {
  /// The size that the header says.
  static func size(_ bytes: [UInt8], path: String) throws(ImageError) -> Picture.Size {
    try BitmapHeader(PictureReader(bytes, format: .bitmap, path: path)).size
  }

  /// Decodes the pixels into `target`: [height, width, 3].
  static func decode(
    _ bytes: [UInt8], path: String, into target: UnsafeMutableBufferPointer<UInt8>
  ) throws(ImageError) {
    let file = PictureReader(bytes, format: .bitmap, path: path)
    let header = try BitmapHeader(file)
    switch header.packing {
    case .runs: try decodeRuns(file, header, into: target)
    case .none where header.bits <= 8: try decodeIndices(file, header, into: target)
    case .none, .masks: try decodeColors(file, header, into: target)
    }
  }

  /// Where row `y` of the file goes: bitmaps begin with the lowest one as a rule.
  private static func place(_ y: Int, _ header: BitmapHeader) -> Int {
    (header.isTopDown ? y : header.size.height - 1 - y) * header.size.width * 3
  }

  private static func decodeIndices(
    _ file: PictureReader, _ header: BitmapHeader,
    into target: UnsafeMutableBufferPointer<UInt8>
  ) throws(ImageError) {
    let palette = try header.palette(file)
    let (bits, row) = (header.bits, try requireRows(file, header))
    let mask = UInt8((1 << bits) - 1)
    for y in 0..<header.size.height {
      let start = place(y, header)
      for x in 0..<header.size.width {
        let byte = file.bytes[header.pixelStart + y * row + x * bits / 8]
        let index = byte >> UInt8(8 - bits - x * bits % 8) & mask
        palette.put(index, at: start + x * 3, target)
      }
    }
  }

  private static func decodeColors(
    _ file: PictureReader, _ header: BitmapHeader,
    into target: UnsafeMutableBufferPointer<UInt8>
  ) throws(ImageError) {
    let row = try requireRows(file, header)
    let pixelSize = header.bits / 8
    let bytes = file.bytes
    for y in 0..<header.size.height {
      let start = place(y, header)
      for x in 0..<header.size.width {
        let first = header.pixelStart + y * row + x * pixelSize
        var value = UInt32(bytes[first]) | UInt32(bytes[first + 1]) << 8
        if pixelSize > 2 { value |= UInt32(bytes[first + 2]) << 16 }
        if pixelSize > 3 { value |= UInt32(bytes[first + 3]) << 24 }
        for (channel, mask) in header.masks.enumerated() {
          target[start + x * 3 + channel] = mask.level(of: value)
        }
      }
    }
  }

  /// The bytes of a row, of which the file holds as many as there are rows.
  private static func requireRows(
    _ file: PictureReader, _ header: BitmapHeader
  ) throws(ImageError) -> Int {
    let row = (header.size.width * header.bits + 31) / 32 * 4
    let (needed, found) = (row * header.size.height, file.bytes.count - header.pixelStart)
    guard found >= needed else {
      throw file.error("expected \(needed) bytes of pixels, found \(max(found, 0))")
    }
    return row
  }

  /// Runs of a colour, or of two in turn at 4 bits, with jumps over pixels that keep colour 0.
  private static func decodeRuns(
    _ file: PictureReader, _ header: BitmapHeader,
    into target: UnsafeMutableBufferPointer<UInt8>
  ) throws(ImageError) {
    let palette = try header.palette(file)
    let size = header.size
    for index in 0..<size.width * size.height { palette.put(0, at: index * 3, target) }
    var (x, y, position) = (0, 0, header.pixelStart)
    func put(_ index: UInt8) {
      if x < size.width, y < size.height {
        palette.put(index, at: place(y, header) + x * 3, target)
      }
      x += 1
    }
    while y < size.height {
      let (count, value) = (Int(try file.byte(position)), try file.byte(position + 1))
      position += 2
      switch (count, value) {
      case (0, 0): (x, y) = (0, y + 1)
      case (0, 1): return
      case (0, 2):
        x += Int(try file.byte(position))
        y += Int(try file.byte(position + 1))
        position += 2
      case (0, _):
        for step in 0..<Int(value) {
          let byte = try file.byte(position + step * header.bits / 8)
          put(header.bits == 8 ? byte : step % 2 == 0 ? byte >> 4 : byte & 15)
        }
        position += (Int(value) * header.bits + 15) / 16 * 2
      default:
        for step in 0..<count {
          put(header.bits == 8 ? value : step % 2 == 0 ? value >> 4 : value & 15)
        }
      }
    }
  }
}
