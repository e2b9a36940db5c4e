/// A dictionary key, equal where Python finds keys equal (the int 3 and numpy's int64 3).
enum PickleKey: Hashable, CustomStringConvertible {
  /// A text, equal to one of the same characters; Swift's own are equal where they look alike.
  struct Text: Hashable {
    let text: String

    static func == (left: Text, right: Text) -> Bool {
      left.text.utf8.count == right.text.utf8.count && left.text.utf8.elementsEqual(right.text.utf8)
    }

    func hash(into hasher: inout Hasher) {
      var text = text
      text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
  }

  case none
  case int(Int)
  /// An integer beyond 64 bits, by its bytes: turning it into digits would take far longer.
  case bigInteger([UInt8])
  case number(Double)
  case text(Text)
  case bytes([UInt8])
  case tuple([PickleKey])
  case other(String)

  init?(_ value: PickleValue) {
    if let integer = value.integer {
      self = .int(integer)
      return
    }
    switch value {
    case .none: self = .none
    case .bool(let value): self = .int(value ? 1 : 0)
    case .bigInteger(let value): self = .bigInteger(value.shortest)
    case .float(let value): self = Int(exactly: value).map(PickleKey.int) ?? .number(value)
    case .string(let value): self = .text(Text(text: value))
    case .bytes(let value): self = .bytes(value)
    case .tuple(let items):
      let keys = items.compactMap(PickleKey.init)
      guard keys.count == items.count else { return nil }
      self = .tuple(keys)
    case .numpyScalar(let scalar):
      self = .tuple([.other(scalar.type.name), .bytes(scalar.bytes)])
    case .torchType(let type): self = .other(type.rawValue)
    case .torchDevice(let name): self = .other("device \(name)")
    default: return nil
    }
  }

  /// The bytes that hashing or comparing the key of `value` goes through.
  static func length(of value: PickleValue) -> Int {
    switch value {
    case .string(let text), .torchDevice(let text): text.utf8.count
    case .bytes(let bytes): bytes.count
    case .numpyScalar(let scalar): scalar.bytes.count
    case .tuple(let items): items.reduce(8) { $0 + length(of: $1) }
    default: 8
    }
  }

  var description: String {
    switch self {
    case .none: "None"
    case .int(let value): "\(value)"
    case .bigInteger(let bytes): PickleValue.BigInteger(littleEndian: bytes).description
    case .number(let value): PythonFloat.repr(value)
    case .text(let value): "'\(value.text)'"
    case .bytes: "of bytes"
    case .tuple: "of a tuple"
    case .other(let value): value
    }
  }
}
