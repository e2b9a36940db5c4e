/// Pickles put together opcode by opcode.
enum PickleText {
  /// `values` between the marks of a pickle of protocol 2.
  static func pickle(_ values: [UInt8]...) -> [UInt8] {
    [0x80, 2] + values.flatMap { $0 } + [0x2e]
  }

  static func text(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    return [0x58] + littleEndian(bytes.count) + bytes
  }

  static func integer(_ value: Int) -> [UInt8] { [0x4a] + littleEndian(value) }

  static func dictionary(_ entries: [(String, [UInt8])]) -> [UInt8] {
    [0x7d, 0x28] + entries.flatMap { text($0.0) + $0.1 } + [0x75]
  }

  static func list(_ values: [[UInt8]]) -> [UInt8] {
    [0x5d, 0x28] + values.flatMap { $0 } + [0x65]
  }

  static func tuple(_ values: [[UInt8]]) -> [UInt8] { [0x28] + values.flatMap { $0 } + [0x74] }

  /// What `module.name` makes of `arguments`.
  static func call(_ module: String, _ name: String, _ arguments: [[UInt8]]) -> [UInt8] {
    [0x63] + Array("\(module)\n\(name)\n".utf8) + tuple(arguments) + [0x52]
  }

  /// A tensor over the storage 0, `count` floats long.
  static func tensor(shape: [Int], strides: [Int], offset: Int = 0, count: Int = 64) -> [UInt8] {
    let storage = tuple([
      text("storage"), [0x63] + Array("torch\nFloatStorage\n".utf8), text("0"), text("cpu"),
      integer(count),
    ])
    return call(
      "torch._utils", "_rebuild_tensor_v2",
      [
        storage + [0x51], integer(offset), tuple(shape.map(integer)), tuple(strides.map(integer)),
        [0x89], call("collections", "OrderedDict", []),
      ])
  }

  static func littleEndian(_ value: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
