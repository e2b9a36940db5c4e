import Core

/// A little reader of event files: frames with their checks, and the fields of messages.
public enum EventReader {
  /// What is no record, or no message.
  public struct Broken: Error {
    /// What was read.
    public let reason: String
  }

  /// A field's value.
  public enum Field: Equatable {
    case varint(UInt64)
    /// The bits of a float or a double.
    case fixed(UInt64)
    case data([UInt8])

    /// The bytes of text or of a message.
    public var bytes: [UInt8]? { if case .data(let bytes) = self { bytes } else { nil } }
    /// The text.
    public var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
    /// The whole number.
    public var number: Int? { if case .varint(let value) = self { Int(value) } else { nil } }
  }

  /// What is looked at of an event.
  public struct Event {
    /// Its step.
    public var step = 0
    /// The file's version, of the first event.
    public var version: String?
    /// Its numbers by their tags.
    public var scalars: [String: Double] = [:]
    /// Its picture: tag, sides and colours, and the file.
    public var picture: (tag: String, sides: [Int], png: [UInt8])?
  }

  /// The events of a file.
  public static func events(_ file: [UInt8]) throws -> [Event] {
    try messages(file).map { try event(fields($0)) }
  }

  /// The messages of a file's records, whose checks are right.
  public static func messages(_ file: [UInt8]) throws -> [[UInt8]] {
    var rest = file[...]
    var messages: [[UInt8]] = []
    while !rest.isEmpty {
      let length = try take(8, of: &rest)
      guard try word(&rest) == UInt64(CRC32C.masked(length)) else {
        throw Broken(reason: "the length's check")
      }
      let data = try take(Int(clamping: value(length)), of: &rest)
      guard try word(&rest) == UInt64(CRC32C.masked(data)) else {
        throw Broken(reason: "the data's check")
      }
      messages.append(data)
    }
    return messages
  }

  /// The fields of a message by their numbers.
  public static func fields(_ message: [UInt8]) throws -> [Int: [Field]] {
    var rest = message[...]
    var fields: [Int: [Field]] = [:]
    while !rest.isEmpty {
      let tag = try varint(&rest)
      let field: Field =
        switch tag & 7 {
        case 0: .varint(try varint(&rest))
        case 1: .fixed(value(try take(8, of: &rest)))
        case 2: .data(try take(Int(clamping: varint(&rest)), of: &rest))
        case 5: .fixed(value(try take(4, of: &rest)))
        default: throw Broken(reason: "a field of type \(tag & 7)")
        }
      fields[Int(tag >> 3), default: []].append(field)
    }
    return fields
  }

  private static func event(_ fields: [Int: [Field]]) throws -> Event {
    var event = Event()
    event.step = fields[2]?.first?.number ?? 0
    event.version = fields[3]?.first?.text
    guard let summary = fields[5]?.first?.bytes else { return event }
    for entry in try self.fields(summary)[1] ?? [] {
      let value = try self.fields(entry.bytes ?? [])
      let tag = value[1]?.first?.text ?? ""
      if case .fixed(let bits)? = value[2]?.first {
        event.scalars[tag] = Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
      }
      if let image = try value[4]?.first?.bytes.map({ try self.fields($0) }) {
        event.picture = (
          tag, (1...3).map { image[$0]?.first?.number ?? 0 }, image[4]?.first?.bytes ?? []
        )
      }
    }
    return event
  }

  private static func varint(_ rest: inout ArraySlice<UInt8>) throws -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 64, by: 7) {
      let byte = try take(1, of: &rest)[0]
      value |= UInt64(byte & 0x7F) << UInt64(shift)
      if byte & 0x80 == 0 { return value }
    }
    throw Broken(reason: "a number of more than ten bytes")
  }

  private static func word(_ rest: inout ArraySlice<UInt8>) throws -> UInt64 {
    value(try take(4, of: &rest))
  }

  private static func take(_ count: Int, of rest: inout ArraySlice<UInt8>) throws -> [UInt8] {
    guard count >= 0, rest.count >= count else { throw Broken(reason: "an end within a record") }
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }

  private static func value(_ bytes: [UInt8]) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
