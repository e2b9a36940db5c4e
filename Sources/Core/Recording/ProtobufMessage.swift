/// A message in the wire format of protocol buffers, field by field.
///
/// Of the format there is what event files need: whole numbers, floats, doubles, bytes and messages
/// within messages. Fields at their default may be left out.
package struct ProtobufMessage: Sendable {
  /// The encoded fields.
  package private(set) var bytes: [UInt8] = []

  private enum WireType: UInt64 {
    case varint = 0
    case eightBytes = 1
    case lengthDelimited = 2
    case fourBytes = 5
  }

  /// A message without fields.
  package init() {}

  /// Adds a whole number; negative ones take ten bytes.
  package mutating func add(_ field: Int, _ value: Int64) {
    tag(field, .varint)
    varint(UInt64(bitPattern: value))
  }

  /// Adds a double.
  package mutating func add(_ field: Int, _ value: Double) {
    tag(field, .eightBytes)
    littleEndian(value.bitPattern)
  }

  /// Adds a float.
  package mutating func add(_ field: Int, _ value: Float) {
    tag(field, .fourBytes)
    littleEndian(value.bitPattern)
  }

  /// Adds bytes.
  package mutating func add(_ field: Int, _ value: [UInt8]) {
    tag(field, .lengthDelimited)
    varint(UInt64(value.count))
    bytes += value
  }

  /// Adds text.
  package mutating func add(_ field: Int, _ value: String) { add(field, Array(value.utf8)) }

  /// Adds a message.
  package mutating func add(_ field: Int, _ value: ProtobufMessage) { add(field, value.bytes) }

  private mutating func tag(_ field: Int, _ type: WireType) {
    varint(UInt64(field) << 3 | type.rawValue)
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func littleEndian(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
  }
}
