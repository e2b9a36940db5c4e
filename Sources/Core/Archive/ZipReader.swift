import CZlib

/// Finds and checks the records of a zip file, as its central directory lists them.
///
/// Local headers of torch's archives carry no sizes, so sizes come from the directory alone; a
/// checksum of 0 is one that torch was told to leave out, any other is insisted on. What a reader
/// could understand in two ways (duplicate names, overlapping records, two directories, odd
/// prefixes) is refused.
package struct ZipReader {
  /// A record as the central directory describes it.
  struct Entry {
    var name: String
    var isDeflated: Bool
    var compressedSize: Int
    var size: Int
    var checksum: UInt32
    var headerOffset: Int
    /// Where the next record or the directory begins.
    var limit = 0
  }

  /// Where the central directory stands.
  struct Directory {
    var offset: Int
    var size: Int
    var entryCount: Int
  }

  let bytes: ByteView
  let file: String
  /// The one top-level directory of all records, such as `archive`.
  package let prefix: String
  private var entries: [String: Entry] = [:]
  private var inflated = 0

  /// Reads the directory of `bytes`; `file` is the path for messages.
  package init(_ bytes: ByteView, file: String) throws {
    self.bytes = bytes
    self.file = file
    let directory = try ZipDirectory.locate(in: bytes, file: file)
    let list = try ZipDirectory.entries(of: directory, in: bytes, file: file)
    guard let first = list.first, let slash = first.name.firstIndex(of: "/"),
      slash != first.name.startIndex
    else {
      let found = list.first.map { "the record '\(ArchiveError.quoted($0.name))'" } ?? "no record"
      throw ArchiveError.damaged(
        file: file, place: "zip", problem: "expected records in one directory, found \(found)")
    }
    prefix = String(first.name[..<slash])
    for entry in Self.limited(list, directoryOffset: directory.offset) { try admit(entry) }
  }

  /// The most records of an archive: each storage is one.
  static let mostRecords = 200_000

  /// `list` with each record's limit.
  private static func limited(_ list: [Entry], directoryOffset: Int) -> [Entry] {
    var ordered = list.sorted { $0.headerOffset < $1.headerOffset }
    var limit = directoryOffset
    for index in ordered.indices.reversed() {
      ordered[index].limit = limit
      limit = ordered[index].headerOffset
    }
    return ordered
  }

  /// The names of all records without the prefix, sorted.
  package var names: [String] { entries.keys.sorted() }

  /// Whether there is a record called `name`, without the prefix.
  package func contains(_ name: String) -> Bool { entries[name] != nil }

  /// The content of the record called `name`, or nil where there is none.
  package mutating func read(_ name: String) throws -> ByteView? {
    guard let entry = entries[name] else { return nil }
    let payload = try payload(of: entry)
    guard entry.isDeflated else { return try checked(payload, entry) }
    // Deflate cannot expand more than 1,032 times; a file of honest tensors expands far less.
    let allowance = (16 << 20) + 32 * bytes.count
    guard entry.size <= allowance - inflated, entry.size / 1032 <= entry.compressedSize else {
      throw ArchiveError.refused(
        file: file, place: "record '\(ArchiveError.quoted(name))'",
        problem: "\(entry.compressedSize) bytes that expand to \(entry.size)")
    }
    inflated += entry.size
    guard let content = Inflate.inflate(payload, size: entry.size) else {
      throw damaged("record '\(name)'", "its compressed data do not give \(entry.size) bytes")
    }
    return try checked(content, entry)
  }

  /// `content`, unless it does not give the directory's checksum.
  private func checked(_ content: ByteView, _ entry: Entry) throws -> ByteView {
    guard entry.checksum != 0 else { return content }
    let found = content.withBytes { bytes in
      UInt32(
        truncatingIfNeeded: crc32_z(
          0, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count))
    }
    guard found == entry.checksum else {
      throw damaged(
        "record '\(entry.name)'",
        "expected the checksum (CRC-32) \(String(entry.checksum, radix: 16)), "
          + "found \(String(found, radix: 16)); the file has changed since it was written")
    }
    return content
  }

  private mutating func admit(_ entry: Entry) throws {
    if entry.name.hasSuffix("/"), entry.size == 0 { return }
    let parts = entry.name.split(separator: "/", omittingEmptySubsequences: false)
    let odd = parts.contains { $0.isEmpty || $0 == "." || $0 == ".." }
    guard !odd, !entry.name.contains("\\"), !entry.name.unicodeScalars.contains("\0") else {
      throw damaged("zip", "record name '\(entry.name)' is not a plain relative path")
    }
    guard parts.count >= 2, parts[0] == prefix else {
      throw damaged("zip", "record '\(entry.name)' is outside the directory '\(prefix)'")
    }
    let name = parts.dropFirst().joined(separator: "/")
    guard entries.updateValue(entry, forKey: name) == nil else {
      throw damaged("zip", "two records are called '\(entry.name)'")
    }
  }

  /// The stored or compressed bytes of `entry`, found through its local header.
  private func payload(of entry: Entry) throws -> ByteView {
    let place = "record '\(entry.name)'"
    let offset = entry.headerOffset
    guard bytes.integer(UInt32.self, at: offset) == 0x0403_4b50,
      let flags = bytes.integer(UInt16.self, at: offset + 6),
      let nameLength = bytes.integer(UInt16.self, at: offset + 26),
      let extraLength = bytes.integer(UInt16.self, at: offset + 28)
    else { throw damaged(place, "there is no local header at byte \(offset)") }
    guard flags & 1 == 0 else { throw ZipDirectory.encrypted(entry.name, file: file) }
    guard let name = bytes.slice(offset + 30, Int(nameLength)), name.equals(entry.name) else {
      throw damaged(place, "its local header gives another name")
    }
    let start = offset + 30 + Int(nameLength) + Int(extraLength)
    guard start <= entry.limit, entry.compressedSize <= entry.limit - start,
      let payload = bytes.slice(start, entry.compressedSize)
    else {
      throw damaged(
        place, "its \(entry.compressedSize) bytes overlap the next record or the directory")
    }
    return payload
  }

  private func damaged(_ place: String, _ problem: String) -> ArchiveError {
    .damaged(
      file: file, place: ArchiveError.quoted(place), problem: ArchiveError.quoted(problem))
  }
}
