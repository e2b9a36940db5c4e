/// The cyclic redundancy check of Castagnoli's polynomial, which records of TensorFlow carry.
///
/// zlib's is another polynomial.
package enum CRC32C {
  /// The polynomial 0x1EDC6F41 with its bits in the reflected order.
  private static let polynomial: UInt32 = 0x82F6_3B78

  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in
      value & 1 == 0 ? value >> 1 : value >> 1 ^ polynomial
    }
  }

  /// The checksum of `bytes`.
  package static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
  }

  /// The checksum as a record carries it: turned by 15 bits and moved by a constant, so that a
  /// checksum of data which hold checksums stays a good one.
  package static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let sum = of(bytes)
    return (sum >> 15 | sum << 17) &+ 0xA282_EAD8
  }
}
