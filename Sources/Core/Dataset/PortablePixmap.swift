/// The portable pixmap formats P6 (binary) and P3 (text), up to 16 bits a value.
enum PortablePixmap {
  /// Decodes a pixmap; values are scaled to 0...255 where its maximum differs from 255.
  static func decode(_ bytes: [UInt8], path: String) throws -> RGBImage {
    var reader = Reader(bytes: bytes, path: path)
    reader.position = 2
    let isText = bytes[1] == UInt8(ascii: "3")
    let width = try reader.number("width", in: 1...ImageFile.maximumSide)
    let height = try reader.number("height", in: 1...ImageFile.maximumSide)
    let maximum = try reader.number("largest value", in: 1...65_535)
    guard width * height <= ImageFile.maximumPixels else {
      throw reader.error("\(width)x\(height) pixels are more than the limit")
    }
    let count = width * height * 3
    let values =
      isText
      ? try reader.textValues(count, maximum: maximum)
      : try reader.binaryValues(count, maximum: maximum)
    return RGBImage(pixels: values, width: width, height: height)
  }

  private struct Reader {
    let bytes: [UInt8]
    let path: String
    var position = 0

    func error(_ reason: String) -> ImageError {
      .damaged(path: path, format: "PPM", reason: reason)
    }

    /// The next decimal number, after blanks and comments.
    mutating func number(_ what: String, in range: ClosedRange<Int>) throws -> Int {
      skipBlanks()
      var value = 0
      let start = position
      while position < bytes.count, (48...57).contains(bytes[position]), position - start < 9 {
        value = value * 10 + Int(bytes[position] - 48)
        position += 1
      }
      guard position > start else { throw error("its \(what) is missing at byte \(start)") }
      guard range.contains(value) else {
        throw error(
          "expected a \(what) of \(range.lowerBound)...\(range.upperBound), found \(value)")
      }
      return value
    }

    mutating func skipBlanks() {
      var isComment = false
      while position < bytes.count {
        let byte = bytes[position]
        if byte == UInt8(ascii: "#") { isComment = true }
        if byte == UInt8(ascii: "\n") { isComment = false }
        guard isComment || byte == 32 || (9...13).contains(byte) else { return }
        position += 1
      }
    }

    mutating func textValues(_ count: Int, maximum: Int) throws -> [UInt8] {
      // Each value takes two bytes at least, so a short file cannot ask for much memory.
      guard count <= bytes.count else { throw error("the file is truncated") }
      var values: [UInt8] = []
      values.reserveCapacity(count)
      for _ in 0..<count {
        values.append(scaled(try number("value", in: 0...maximum), maximum))
      }
      return values
    }

    mutating func binaryValues(_ count: Int, maximum: Int) throws -> [UInt8] {
      position += 1
      let size = maximum > 255 ? 2 : 1
      guard bytes.count - position >= count * size else {
        throw error(
          "expected \(count * size) bytes of pixels, found \(max(0, bytes.count - position))")
      }
      return (0..<count).map { index in
        let place = position + index * size
        let value = size == 1 ? Int(bytes[place]) : Int(bytes[place]) << 8 | Int(bytes[place + 1])
        return scaled(value, maximum)
      }
    }

    private func scaled(_ value: Int, _ maximum: Int) -> UInt8 {
      guard maximum != 255 else { return UInt8(min(value, 255)) }
      return UInt8(min(255, (Double(value) / Double(maximum) * 255).rounded(.toNearestOrEven)))
    }
  }
}
