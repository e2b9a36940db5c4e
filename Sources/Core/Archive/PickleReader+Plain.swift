import Foundation

/// Numbers and texts, in the bytes of protocols 1 and later and in the lines of protocol 0.
extension PickleReader {
  // MARK: Bytes

  /// Runs LONG1 or LONG4, of `size` bytes.
  mutating func pushInteger(size: Int) throws {
    guard size >= 0, size <= PickleLimits.integerSize else {
      throw refused("an integer of \(size) bytes")
    }
    let digits = try take(size).array
    guard size > 8 else {
      let fill: UInt64 = digits.last.map { $0 >= 0x80 } ?? false ? .max : 0
      let value = digits.reversed().reduce(fill) { $0 << 8 | UInt64($1) }
      return push(.int(Int64(bitPattern: value)))
    }
    push(.bigInteger(digits))
  }

  /// Runs an opcode with a length and that many bytes of text or data.
  mutating func pushSized(_ opcode: PickleOpcode) throws {
    let length: Int
    switch opcode {
    case .shortString, .shortBytes, .shortUnicode: length = Int(try next() as UInt8)
    case .unicode, .bytes: length = Int(try next() as UInt32)
    case .string: length = Int(try next() as Int32)
    default: length = Int(exactly: try next() as UInt64) ?? -1
    }
    let content = try take(length)
    switch opcode {
    case .string, .shortString: push(.rawString(content.array))
    case .bytes, .shortBytes, .longBytes, .byteArray: push(.bytes(content.array))
    default:
      guard let text = content.text else { throw damaged("a text of \(length) bytes is not UTF-8") }
      push(.string(text))
    }
  }

  // MARK: Lines

  /// Runs an opcode of protocol 0, whose argument is the rest of its line.
  mutating func pushLine(_ opcode: PickleOpcode) throws {
    let line = try line()
    switch opcode {
    case .intLine where line.equals("00"): stack.append(1)
    case .intLine where line.equals("01"): stack.append(2)
    case .intLine, .longLine: push(try integer(of: line))
    case .floatLine:
      guard line.count <= 64, let text = line.text, let value = Double(text) else {
        throw damaged("a float that is no number")
      }
      push(.float(value))
    case .stringLine: push(.rawString(try unquoted(line)))
    default: push(.string(try unescaped(line)))
    }
  }

  /// Decimal digits, which Python 2 ends with an L.
  private func integer(of line: ByteView) throws -> PickleNode {
    // As many digits as the largest integer in bytes has.
    guard line.count <= 156, let text = line.text else {
      throw refused("an integer of \(line.count) digits")
    }
    let digits = text.hasSuffix("L") ? text.dropLast() : text[...]
    if let value = Int64(digits) { return .int(value) }
    guard let value = PickleValue.BigInteger(decimal: digits) else {
      throw damaged("an integer that is no number")
    }
    return .bigInteger(value.littleEndian)
  }

  /// The bytes of a Python literal such as `'a\\n'`.
  private func unquoted(_ line: ByteView) throws -> [UInt8] {
    let quote = line[0]
    guard line.count >= 2, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\""),
      line[line.count - 1] == quote, let inner = line.slice(1, line.count - 2)
    else { throw damaged("a text that is not in quotes") }
    var result: [UInt8] = []
    result.reserveCapacity(inner.count)
    var offset = 0
    while let byte = inner[offset] {
      offset += 1
      guard byte == UInt8(ascii: "\\") else {
        result.append(byte)
        continue
      }
      guard let letter = inner[offset] else { throw damaged("a text that ends within a character") }
      offset += 1
      if letter == UInt8(ascii: "x") {
        result.append(UInt8(try hexadecimal(inner, offset, 2)))
        offset += 2
      } else if let plain = Self.escapes[letter] {
        result.append(plain)
      } else {
        throw damaged("a text with the character \\\(Character(Unicode.Scalar(letter)))")
      }
    }
    return result
  }

  /// What stands behind a backslash in Python's literals, but for hexadecimal numbers.
  private static let escapes: [UInt8: UInt8] = [
    UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9, UInt8(ascii: "a"): 7,
    UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "v"): 11,
    UInt8(ascii: "\\"): UInt8(ascii: "\\"), UInt8(ascii: "'"): UInt8(ascii: "'"),
    UInt8(ascii: "\""): UInt8(ascii: "\""),
  ]

  /// A text whose bytes are its first 256 characters, and `\u` or `\U` with hexadecimal digits the
  /// others.
  private func unescaped(_ line: ByteView) throws -> String {
    var scalars = String.UnicodeScalarView()
    var offset = 0
    while let byte = line[offset] {
      offset += 1
      let next = byte == UInt8(ascii: "\\") ? line[offset] : nil
      guard next == UInt8(ascii: "u") || next == UInt8(ascii: "U") else {
        scalars.append(Unicode.Scalar(byte))
        continue
      }
      let digits = next == UInt8(ascii: "u") ? 4 : 8
      guard let scalar = Unicode.Scalar(try hexadecimal(line, offset + 1, digits)) else {
        throw damaged("a text with half a character")
      }
      scalars.append(scalar)
      offset += 1 + digits
    }
    return String(scalars)
  }

  private func hexadecimal(_ line: ByteView, _ offset: Int, _ digits: Int) throws -> UInt32 {
    guard let text = line.slice(offset, digits)?.text, text.utf8.first != UInt8(ascii: "+"),
      let value = UInt32(text, radix: 16)
    else { throw damaged("a text with a character that is no hexadecimal number") }
    return value
  }

  /// The number in the rest of the line, which names a memo entry.
  mutating func memoLine() throws -> Int {
    let line = try line()
    guard line.count <= 18, let text = line.text, let index = Int(text), index >= 0 else {
      throw damaged("a memo entry that is no number")
    }
    return index
  }

  /// The bytes up to the next line feed, behind which the stream goes on.
  mutating func line() throws -> ByteView {
    guard let rest = bytes.slice(position, bytes.count - position),
      let length = rest.firstIndex(of: 0x0a), let line = rest.slice(0, length)
    else { throw damaged("it is cut short") }
    position += length + 1
    // Windows' line ends, which a text mode may have left.
    return line[length - 1] == 0x0d ? line.slice(0, length - 1) ?? line : line
  }
}
