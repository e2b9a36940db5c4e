import CZlib

/// Writes a zip file laid out byte for byte as PyTorch 2.6 and later lay theirs out.
///
/// All records are stored. Every payload starts at a multiple of 64, padded by an extra field 'FB';
/// sizes and checksums stand in a descriptor behind the payload and in the central directory; a
/// zip64 end record is always there. PyTorch computes record offsets from this layout.
struct ZipWriter: ~Copyable {
  private struct Entry {
    var name: [UInt8]
    var flags: UInt16
    var checksum: UInt32
    var size: UInt32
    var headerOffset: UInt32
  }

  private let writer: FileWriter
  private let file: String
  private let prefix: String
  private var entries: [Entry] = []
  private static let alignment = 64

  /// A zip file whose records go to the directory `prefix`; `file` is the path for messages.
  init(_ writer: FileWriter, prefix: String, file: String) {
    self.writer = writer
    self.prefix = prefix
    self.file = file
  }

  /// Adds the record `prefix/name`.
  mutating func add(_ name: String, _ payload: UnsafeRawBufferPointer) throws {
    let name = Array("\(prefix)/\(name)".utf8)
    guard let headerOffset = UInt32(exactly: writer.offset), headerOffset < .max,
      let size = UInt32(exactly: payload.count), size < .max, name.count < 4096
    else { throw tooLarge() }
    // Bit 11: the name is UTF-8. Bit 3: sizes follow the payload, which PyTorch omits when empty.
    let flags: UInt16 = size == 0 ? 0x0800 : 0x0808
    try writer.write(localHeader(name: name, flags: flags))
    try writer.write(payload)
    let checksum = Self.checksum(payload)
    if size > 0 {
      var descriptor = LittleEndianBytes()
      descriptor.append(UInt32(0x0807_4b50), checksum, size, size)
      try writer.write(descriptor.bytes)
    }
    entries.append(
      Entry(
        name: name, flags: flags, checksum: checksum, size: size, headerOffset: headerOffset))
  }

  /// Adds the record `prefix/name`.
  mutating func add(_ name: String, _ payload: [UInt8]) throws {
    try payload.withUnsafeBytes { try add(name, $0) }
  }

  /// Writes the central directory and the end records.
  consuming func finish() throws {
    let directoryOffset = writer.offset
    for entry in entries { try writer.write(Self.directoryEntry(entry)) }
    let endOffset = writer.offset
    guard let offset = UInt32(exactly: directoryOffset),
      let size = UInt32(exactly: endOffset - directoryOffset),
      let count = UInt16(exactly: entries.count), offset < .max, count < .max
    else { throw tooLarge() }
    var end = LittleEndianBytes()
    end.append(UInt32(0x0606_4b50))
    end.append(UInt64(44))
    end.append(UInt16(0x031e), UInt16(45))
    end.append(UInt32(0), UInt32(0))
    end.append(UInt64(count), UInt64(count), UInt64(size), UInt64(offset))
    end.append(UInt32(0x0706_4b50), UInt32(0))
    end.append(UInt64(endOffset))
    end.append(UInt32(1))
    end.append(UInt32(0x0605_4b50))
    end.append(UInt16(0), UInt16(0), count, count)
    end.append(size, offset)
    end.append(UInt16(0))
    try writer.write(end.bytes)
  }

  private func localHeader(name: [UInt8], flags: UInt16) -> [UInt8] {
    let unpadded = writer.offset + 30 + name.count + 4
    let padding = (Self.alignment - unpadded % Self.alignment) % Self.alignment
    var header = LittleEndianBytes()
    header.append(UInt32(0x0403_4b50))
    header.append(UInt16(0), flags, UInt16(0), UInt16(0), UInt16(0))
    header.append(UInt32(0), UInt32(0), UInt32(0))
    header.append(UInt16(name.count), UInt16(4 + padding))
    header.bytes += name
    header.bytes += Array("FB".utf8)
    header.append(UInt16(padding))
    header.bytes += [UInt8](repeating: UInt8(ascii: "Z"), count: padding)
    return header.bytes
  }

  private static func directoryEntry(_ entry: Entry) -> [UInt8] {
    var header = LittleEndianBytes()
    header.append(UInt32(0x0201_4b50))
    header.append(UInt16(0), UInt16(0), entry.flags, UInt16(0), UInt16(0), UInt16(0))
    header.append(entry.checksum, entry.size, entry.size)
    header.append(UInt16(entry.name.count), UInt16(0), UInt16(0), UInt16(0), UInt16(0))
    header.append(UInt32(0), entry.headerOffset)
    header.bytes += entry.name
    return header.bytes
  }

  private static func checksum(_ payload: UnsafeRawBufferPointer) -> UInt32 {
    UInt32(
      truncatingIfNeeded: crc32_z(
        0, payload.baseAddress?.assumingMemoryBound(to: UInt8.self), payload.count))
  }

  private func tooLarge() -> ArchiveError {
    .unsupported(
      file: file, kind: "an archive of more than 4 GiB or 65,534 records",
      remedy: "archive less at once")
  }
}

/// Bytes that grow by little-endian integers.
struct LittleEndianBytes {
  var bytes: [UInt8] = []

  mutating func append<T: FixedWidthInteger>(_ values: T...) {
    for value in values {
      withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
  }
}
