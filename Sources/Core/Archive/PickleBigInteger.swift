extension PickleValue {
  /// An integer of any size, as two's complement bytes with the lowest first.
  public struct BigInteger: Equatable, Sendable, CustomStringConvertible {
    let littleEndian: [UInt8]

    init(littleEndian: [UInt8]) { self.littleEndian = littleEndian }

    /// The integer of decimal digits with an optional sign; nil for any other text.
    init?(decimal text: Substring) {
      let isNegative = text.hasPrefix("-")
      let digits = isNegative ? text.dropFirst() : text
      guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
        return nil
      }
      var bytes: [UInt8] = []
      for digit in digits.utf8 {
        var carry = Int(digit) - 0x30
        for index in bytes.indices {
          carry += Int(bytes[index]) * 10
          bytes[index] = UInt8(truncatingIfNeeded: carry)
          carry >>= 8
        }
        if carry > 0 { bytes.append(UInt8(carry)) }
      }
      bytes.append(0)  // the sign
      littleEndian = isNegative ? Self.negated(bytes) : bytes
    }

    /// The bytes without those that only repeat the sign: equal integers have equal ones.
    var shortest: [UInt8] {
      let fill: UInt8 = isNegative ? 0xff : 0
      var bytes = littleEndian[...]
      while bytes.count > 1, bytes.last == fill, bytes[bytes.count - 2] & 0x80 == fill & 0x80 {
        bytes.removeLast()
      }
      return Array(bytes)
    }

    /// The decimal digits.
    public var description: String {
      // Nine digits at a time, in groups of 32 bits with the highest first.
      var rest = Self.words(isNegative ? Self.negated(littleEndian) : littleEndian)
      var groups: [UInt64] = []
      while let first = rest.firstIndex(where: { $0 != 0 }) {
        rest.removeFirst(first)
        var remainder: UInt64 = 0
        for index in rest.indices {
          let value = remainder << 32 | rest[index]
          rest[index] = value / 1_000_000_000
          remainder = value % 1_000_000_000
        }
        groups.append(remainder)
      }
      guard let highest = groups.last else { return "0" }
      let lower = groups.dropLast().reversed().map { group in
        let digits = String(group)
        return String(repeating: "0", count: 9 - digits.count) + digits
      }
      return (isNegative ? "-" : "") + String(highest) + lower.joined()
    }

    private var isNegative: Bool { littleEndian.last.map { $0 >= 0x80 } ?? false }

    /// The two's complement.
    private static func negated(_ bytes: [UInt8]) -> [UInt8] {
      var carry = true
      return bytes.map { byte in
        let value = ~byte &+ (carry ? 1 : 0)
        carry = carry && value == 0
        return value
      }
    }

    /// Unsigned `bytes` in words of 32 bits, the highest first.
    private static func words(_ bytes: [UInt8]) -> [UInt64] {
      stride(from: 0, to: bytes.count, by: 4).reversed().map { start in
        (start..<min(start + 4, bytes.count)).reversed().reduce(0) { $0 << 8 | UInt64(bytes[$1]) }
      }
    }
  }
}
