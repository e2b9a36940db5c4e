/// The portable bitmap, greymap and pixmap formats P1 to P6, up to 16 bits a value.
///
/// Values are scaled as Pillow does: to 0...255, but those of a greymap whose maximum is over 255 to
/// 0...65535, of which then all over 255 are cut off.
enum PortablePixmap {
  /// The size that the header says.
  static func size(_ bytes: [UInt8], path: String) throws(ImageError) -> Picture.Size {
    var reader = Reader(bytes: bytes, path: path)
    return try reader.header().size
  }

  /// Decodes the pixels into `target`: [height, width, 3].
  static func decode(
    _ bytes: [UInt8], path: String, into target: UnsafeMutableBufferPointer<UInt8>
  ) throws(ImageError) {
    var reader = Reader(bytes: bytes, path: path)
    let header = try reader.header()
    let count = header.size.width * header.size.height * header.channels
    switch (header.isText, header.maximum) {
    case (true, nil): try reader.textBits(count, into: target)
    case (false, nil): try reader.packedBits(header.size, into: target)
    case (true, let maximum?): try reader.textValues(count, maximum, header.channels, target)
    case (false, let maximum?): try reader.binaryValues(count, maximum, header.channels, target)
    }
  }

  /// Whether `byte` parts two numbers.
  static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

  private struct Header {
    let isText: Bool
    let channels: Int
    let size: Picture.Size
    /// The largest value; nil for a bitmap, where 1 is black.
    let maximum: Int?
  }

  private struct Reader {
    let bytes: [UInt8]
    let path: String
    var position = 2

    func error(_ reason: String) -> ImageError {
      .damaged(path: path, format: PictureFormat.pixmap.rawValue, reason: reason)
    }

    mutating func header() throws(ImageError) -> Header {
      let kind = Int(bytes[1]) - 48
      let width = try number("width", in: 1...ImageFile.maximumSide)
      let height = try number("height", in: 1...ImageFile.maximumSide)
      let isBitmap = kind == 1 || kind == 4
      return Header(
        isText: kind <= 3, channels: kind == 3 || kind == 6 ? 3 : 1,
        size: Picture.Size(width: width, height: height),
        maximum: isBitmap ? nil : try number("largest value", in: 1...65_535))
    }

    /// The next decimal number, after blanks and comments.
    mutating func number(
      _ what: @autoclosure () -> String, in range: ClosedRange<Int>
    ) throws(ImageError) -> Int {
      skipBlanks()
      var value = 0
      let start = position
      while position < bytes.count, (48...57).contains(bytes[position]), position - start < 9 {
        value = value * 10 + Int(bytes[position] - 48)
        position += 1
      }
      guard position > start else { throw error("its \(what()) is missing at byte \(start)") }
      guard range.contains(value) else {
        throw error(
          "expected a \(what()) of \(range.lowerBound)...\(range.upperBound), found \(value)")
      }
      return value
    }

    mutating func skipBlanks() {
      var isComment = false
      while position < bytes.count {
        let byte = bytes[position]
        if byte == UInt8(ascii: "#") { isComment = true }
        if byte == UInt8(ascii: "\n") { isComment = false }
        guard isComment || PortablePixmap.isBlank(byte) else { return }
        position += 1
      }
    }

    mutating func textBits(
      _ count: Int, into target: UnsafeMutableBufferPointer<UInt8>
    ) throws(ImageError) {
      for index in 0..<count {
        skipBlanks()
        guard position < bytes.count else { throw error("the file is truncated") }
        let byte = bytes[position]
        guard byte == 48 || byte == 49 else {
          throw error("expected 0 or 1 at byte \(position), found \(byte)")
        }
        position += 1
        put(byte == 48 ? 255 : 0, at: index, channels: 1, target)
      }
    }

    mutating func packedBits(
      _ size: Picture.Size, into target: UnsafeMutableBufferPointer<UInt8>
    ) throws(ImageError) {
      position += 1
      let row = (size.width + 7) / 8
      try require(row * size.height)
      for y in 0..<size.height {
        for x in 0..<size.width {
          let isBlack = bytes[position + y * row + x / 8] & (0x80 >> UInt8(x % 8)) != 0
          put(isBlack ? 0 : 255, at: y * size.width + x, channels: 1, target)
        }
      }
    }

    mutating func textValues(
      _ count: Int, _ maximum: Int, _ channels: Int, _ target: UnsafeMutableBufferPointer<UInt8>
    ) throws(ImageError) {
      for index in 0..<count {
        let value = try number("value", in: 0...maximum)
        put(scaled(value, maximum, channels), at: index, channels: channels, target)
      }
    }

    mutating func binaryValues(
      _ count: Int, _ maximum: Int, _ channels: Int, _ target: UnsafeMutableBufferPointer<UInt8>
    ) throws(ImageError) {
      position += 1
      let size = maximum > 255 ? 2 : 1
      try require(count * size)
      for index in 0..<count {
        let place = position + index * size
        let value = size == 1 ? Int(bytes[place]) : Int(bytes[place]) << 8 | Int(bytes[place + 1])
        put(scaled(value, maximum, channels), at: index, channels: channels, target)
      }
    }

    private func require(_ count: Int) throws(ImageError) {
      guard bytes.count - position >= count else {
        throw error("expected \(count) bytes of pixels, found \(max(0, bytes.count - position))")
      }
    }

    private func put(
      _ value: UInt8, at index: Int, channels: Int, _ target: UnsafeMutableBufferPointer<UInt8>
    ) {
      if channels == 3 { return target[index] = value }
      for channel in 0..<3 { target[index * 3 + channel] = value }
    }

    private func scaled(_ value: Int, _ maximum: Int, _ channels: Int) -> UInt8 {
      let top = maximum > 255 && channels == 1 ? 65_535 : 255
      guard maximum != top else { return UInt8(min(value, 255)) }
      let share = Double(value) / Double(maximum) * Double(top)
      return UInt8(min(255, share.rounded(.toNearestOrEven)))
    }
  }
}
