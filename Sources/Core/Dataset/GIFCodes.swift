/// GIF's packing: codes of 3 to 12 bits, each a colour or a row of colours seen before (LZW).
struct GIFCodes {
  private let file: PictureReader
  private var position: Int
  /// Bytes left in the present block of at most 255.
  private var left = 0
  private var (buffer, bufferBits) = (0, 0)

  /// The row of a code is that of `prefix` and then `last`; `length` colours in all.
  private var prefix = [Int](repeating: 0, count: 4096)
  private var last = [UInt8](repeating: 0, count: 4096)
  private var row = [UInt8](repeating: 0, count: 4097)

  init(_ file: PictureReader, at position: Int) {
    self.file = file
    self.position = position
  }

  /// Gives `body` the next `count` colours; false where the codes end before.
  mutating func unpack(_ count: Int, _ body: (UInt8) -> Void) throws(ImageError) -> Bool {
    let bits = Int(try file.byte(position))
    guard (1...8).contains(bits) else {
      throw file.error("expected codes of 1 to 8 bits, found \(bits)")
    }
    position += 1
    let (clear, end) = (1 << bits, 1 << bits + 1)
    var (width, next, previous, given) = (bits + 1, end + 1, -1, 0)
    while given < count {
      guard let code = try nextCode(width), code != end else { return false }
      if code == clear {
        (width, next, previous) = (bits + 1, end + 1, -1)
        continue
      }
      guard code < clear || (previous >= 0 && code <= next && code < 4096) else {
        throw file.error("code \(code) stands for nothing")
      }
      // A code may stand for the row that is only now made: the previous one and its first colour.
      let isNew = code >= next
      var length = spell(isNew ? previous : code, clear: clear)
      let first = row[length - 1]
      if isNew {
        row.withUnsafeMutableBufferPointer { row in
          for place in (0..<length).reversed() { row[place + 1] = row[place] }
          row[0] = first
        }
        length += 1
      }
      for place in (max(0, length - (count - given))..<length).reversed() { body(row[place]) }
      given += min(length, count - given)
      if previous >= 0, next < 4096 {
        (prefix[next], last[next]) = (previous, first)
        next += 1
        if next == 1 << width, width < 12 { width += 1 }
      }
      previous = code
    }
    return true
  }

  /// Writes the colours of `code` into `row`, the last one first; returns their number.
  private mutating func spell(_ code: Int, clear: Int) -> Int {
    var (code, length) = (code, 0)
    while code > clear {
      row[length] = last[code]
      code = prefix[code]
      length += 1
    }
    row[length] = UInt8(truncatingIfNeeded: code)
    return length + 1
  }

  private mutating func nextCode(_ width: Int) throws(ImageError) -> Int? {
    while bufferBits < width {
      if left == 0 {
        left = Int(try file.byte(position))
        position += 1
        if left == 0 { return nil }
      }
      buffer |= Int(try file.byte(position)) << bufferBits
      (position, left, bufferBits) = (position + 1, left - 1, bufferBits + 8)
    }
    defer { (buffer, bufferBits) = (buffer >> width, bufferBits - width) }
    return buffer & (1 << width - 1)
  }
}
