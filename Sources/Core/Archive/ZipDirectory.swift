/// Reads the end records and the central directory of a zip file.
enum ZipDirectory {
  /// Finds the central directory through the end record and, where there is one, the zip64 record.
  static func locate(in bytes: ByteView, file: String) throws -> ZipReader.Directory {
    func damaged(_ problem: String) -> ArchiveError {
      .damaged(file: file, place: "zip", problem: problem)
    }
    guard let end = endRecord(in: bytes) else {
      throw damaged("no end-of-directory record, so the file is cut short")
    }
    guard let disk = bytes.integer(UInt16.self, at: end + 4),
      let directoryDisk = bytes.integer(UInt16.self, at: end + 6),
      let here = bytes.integer(UInt16.self, at: end + 8),
      let count = bytes.integer(UInt16.self, at: end + 10),
      let size = bytes.integer(UInt32.self, at: end + 12),
      let offset = bytes.integer(UInt32.self, at: end + 16)
    else { throw damaged("the end-of-directory record is cut short") }
    guard disk == 0 || disk == .max, directoryDisk == 0 || directoryDisk == .max, here == count
    else { throw damaged("it is one part of a split zip file") }
    var directory = ZipReader.Directory(
      offset: Int(offset), size: Int(size), entryCount: Int(count))
    var limit = end
    if let large = try largeDirectory(in: bytes, end: end, file: file) {
      guard offset == .max || directory.offset == large.directory.offset,
        size == .max || directory.size == large.directory.size,
        count == .max || directory.entryCount == large.directory.entryCount
      else { throw damaged("its two end-of-directory records contradict each other") }
      directory = large.directory
      limit = large.recordOffset
    }
    guard directory.offset <= limit, directory.size <= limit - directory.offset else {
      throw damaged(
        "a directory of \(directory.size) bytes at byte \(directory.offset) does not fit")
    }
    guard directory.entryCount <= ZipReader.mostRecords else {
      throw damaged(
        "\(directory.entryCount) records, at most \(ZipReader.mostRecords) are read")
    }
    guard directory.entryCount <= directory.size / 46 else {
      throw damaged("a directory of \(directory.size) bytes for \(directory.entryCount) records")
    }
    return directory
  }

  /// The entries of `directory` in its order.
  static func entries(
    of directory: ZipReader.Directory, in bytes: ByteView, file: String
  ) throws -> [ZipReader.Entry] {
    var list: [ZipReader.Entry] = []
    list.reserveCapacity(directory.entryCount)
    guard let view = bytes.slice(directory.offset, directory.size) else { return [] }
    var offset = 0
    for index in 0..<directory.entryCount {
      let parsed = try entry(at: &offset, in: view, file: file)
      guard let parsed else {
        throw ArchiveError.damaged(
          file: file, place: "zip", problem: "directory entry \(index) is malformed")
      }
      list.append(parsed)
    }
    return list
  }

  static func encrypted(_ name: String, file: String) -> ArchiveError {
    .refused(
      file: file, place: "record '\(ArchiveError.quoted(name))'", problem: "it is encrypted")
  }

  /// The offset of the last end record whose comment reaches no further than the file.
  private static func endRecord(in bytes: ByteView) -> Int? {
    var offset = bytes.count - 22
    let lowest = max(0, bytes.count - 22 - 65_535)
    while offset >= lowest {
      if bytes.integer(UInt32.self, at: offset) == 0x0605_4b50,
        let comment = bytes.integer(UInt16.self, at: offset + 20),
        Int(comment) <= bytes.count - offset - 22
      {
        return offset
      }
      offset -= 1
    }
    return nil
  }

  private static func largeDirectory(
    in bytes: ByteView, end: Int, file: String
  ) throws -> (directory: ZipReader.Directory, recordOffset: Int)? {
    guard end >= 20, bytes.integer(UInt32.self, at: end - 20) == 0x0706_4b50 else { return nil }
    guard let place = bytes.integer(UInt64.self, at: end - 12), let record = Int(exactly: place),
      record <= end - 20 - 56, bytes.integer(UInt32.self, at: record) == 0x0606_4b50,
      let here = bytes.integer(UInt64.self, at: record + 24).flatMap({ Int(exactly: $0) }),
      let count = bytes.integer(UInt64.self, at: record + 32).flatMap({ Int(exactly: $0) }),
      let size = bytes.integer(UInt64.self, at: record + 40).flatMap({ Int(exactly: $0) }),
      let offset = bytes.integer(UInt64.self, at: record + 48).flatMap({ Int(exactly: $0) }),
      here == count
    else {
      throw ArchiveError.damaged(
        file: file, place: "zip", problem: "its zip64 end-of-directory record is malformed")
    }
    return (ZipReader.Directory(offset: offset, size: size, entryCount: count), record)
  }

  /// The entry at `offset`, which moves behind it; nil where it is malformed.
  private static func entry(
    at offset: inout Int, in view: ByteView, file: String
  ) throws -> ZipReader.Entry? {
    guard view.integer(UInt32.self, at: offset) == 0x0201_4b50,
      let flags = view.integer(UInt16.self, at: offset + 8),
      let method = view.integer(UInt16.self, at: offset + 10),
      let checksum = view.integer(UInt32.self, at: offset + 16),
      let compressed = view.integer(UInt32.self, at: offset + 20),
      let size = view.integer(UInt32.self, at: offset + 24),
      let nameLength = view.integer(UInt16.self, at: offset + 28),
      let extraLength = view.integer(UInt16.self, at: offset + 30),
      let commentLength = view.integer(UInt16.self, at: offset + 32),
      let header = view.integer(UInt32.self, at: offset + 42),
      let name = view.slice(offset + 46, Int(nameLength))?.text,
      let extra = view.slice(offset + 46 + Int(nameLength), Int(extraLength))
    else { return nil }
    guard flags & 0x2041 == 0 else { throw encrypted(name, file: file) }
    guard method == 0 || method == 8 else {
      throw ArchiveError.refused(
        file: file, place: "record '\(ArchiveError.quoted(name))'",
        problem: "compression method \(method); only stored (0) and deflate (8) are read")
    }
    offset += 46 + Int(nameLength) + Int(extraLength) + Int(commentLength)
    guard offset <= view.count else { return nil }
    var large = LargeFields(extra)
    guard let fullSize = large.widen(size), let fullCompressed = large.widen(compressed),
      let fullHeader = large.widen(header), method == 8 || fullSize == fullCompressed
    else { return nil }
    return ZipReader.Entry(
      name: name, isDeflated: method == 8, compressedSize: fullCompressed, size: fullSize,
      checksum: checksum, headerOffset: fullHeader)
  }
}

/// The 64-bit values of a zip64 extra field, taken in order by the 32-bit fields that are full.
private struct LargeFields {
  private let field: ByteView?
  private var next = 0

  init(_ extra: ByteView) {
    var offset = 0
    while let tag = extra.integer(UInt16.self, at: offset),
      let length = extra.integer(UInt16.self, at: offset + 2)
    {
      if tag == 1 {
        field = extra.slice(offset + 4, Int(length))
        return
      }
      offset += 4 + Int(length)
    }
    field = nil
  }

  /// `value`, or the next 64-bit value where it is full; nil where that is missing.
  mutating func widen(_ value: UInt32) -> Int? {
    guard value == .max else { return Int(value) }
    defer { next += 8 }
    return field?.integer(UInt64.self, at: next).flatMap { Int(exactly: $0) }
  }
}
