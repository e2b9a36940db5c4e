/// A zip file put together by hand, so that tests can make it wrong in any field.
struct HandMadeZip {
  struct Record {
    var name: String
    var content: [UInt8]
    var flags: UInt16 = 0
    var method: UInt16 = 0
    /// What the directory claims instead of the size of the content.
    var size: UInt32?
    /// Where the directory claims the header is.
    var offset: UInt32?
    /// The directory's CRC-32; 0 is none.
    var checksum: UInt32 = 0
    /// The name in the local header.
    var localName: String?
  }

  var records: [Record] = []
  var comment: [UInt8] = []
  var entryCount: UInt16?

  /// An archive of torch's format around a pickle and storages.
  static func torch(
    pickle: [UInt8], storages: [(key: String, content: [UInt8])] = [],
    extra: [(name: String, content: [UInt8])] = []
  ) -> [UInt8] {
    var zip = HandMadeZip()
    zip.records.append(Record(name: "archive/data.pkl", content: pickle))
    for (key, content) in storages {
      zip.records.append(Record(name: "archive/data/\(key)", content: content))
    }
    for (name, content) in extra {
      zip.records.append(Record(name: "archive/\(name)", content: content))
    }
    zip.records.append(Record(name: "archive/version", content: Array("3\n".utf8)))
    return zip.bytes
  }

  var bytes: [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    func number<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
      withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    for record in records {
      let stored = UInt32(record.content.count)
      let fields =
        number(record.flags) + number(record.method) + number(UInt32(0)) + number(record.checksum)
      let sizes = number(stored) + number(record.size ?? stored)
      let local = Array((record.localName ?? record.name).utf8)
      let name = Array(record.name.utf8)
      directory += [0x50, 0x4b, 1, 2] + number(UInt16(0)) + number(UInt16(0)) + fields + sizes
      directory += number(UInt16(name.count)) + [UInt8](repeating: 0, count: 12)
      directory += number(record.offset ?? UInt32(file.count)) + name
      file += [0x50, 0x4b, 3, 4] + number(UInt16(0)) + fields + sizes
      file += number(UInt16(local.count)) + number(UInt16(0)) + local + record.content
    }
    let count = entryCount ?? UInt16(records.count)
    let end =
      [0x50, 0x4b, 5, 6] + number(UInt32(0)) + number(count) + number(count)
      + number(UInt32(directory.count)) + number(UInt32(file.count))
      + number(UInt16(comment.count)) + comment
    return file + directory + end
  }
}

/// Opcodes put together by hand.
enum HandMadePickle {
  /// A whole pickle of protocol 2 around `body`.
  static func whole(_ body: [UInt8]...) -> [UInt8] { [0x80, 2] + body.flatMap { $0 } + [0x2e] }

  static func text(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    return [0x58] + (0..<4).map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) } + bytes
  }

  static func global(_ module: String, _ name: String) -> [UInt8] {
    Array("c\(module)\n\(name)\n".utf8)
  }

  static func int(_ value: Int32) -> [UInt8] {
    [0x4a] + withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  static func long(_ value: Int64) -> [UInt8] {
    [0x8a, 8] + withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  static func tuple(_ items: [UInt8]...) -> [UInt8] { [0x28] + items.flatMap { $0 } + [0x74] }

  static func call(_ module: String, _ name: String, _ arguments: [UInt8]...) -> [UInt8] {
    global(module, name) + [0x28] + arguments.flatMap { $0 } + [0x74, 0x52]
  }

  /// A float32 tensor on storage `key` of `count` elements.
  static func tensor(
    key: String = "0", count: Int64, offset: Int64 = 0, shape: [Int64], stride: [Int64]
  ) -> [UInt8] {
    let storage =
      tuple(text("storage"), global("torch", "FloatStorage"), text(key), text("cpu"), long(count))
      + [0x51]
    let sizes = [0x28] + shape.flatMap(long) + [0x74]
    let strides = [0x28] + stride.flatMap(long) + [0x74]
    return call(
      "torch._utils", "_rebuild_tensor_v2", storage, long(offset), sizes, strides, [0x89],
      call("collections", "OrderedDict"))
  }
}
