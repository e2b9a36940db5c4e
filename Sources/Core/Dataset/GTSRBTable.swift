import Foundation

/// A table of pictures and their classes: lines of fields between semicolons under a header of
/// which `Filename` and `ClassId` count.
struct GTSRBTable {
  /// A picture of the table; its class where the table has them.
  struct Row {
    let name: BytePath
    let label: Int?
  }

  /// The pictures in the table's order.
  private(set) var rows: [Row] = []
  /// Whether it says their classes.
  private(set) var hasClasses = false

  private static let sizeLimit = 1 << 26
  private static let classes = 0..<43

  /// Reads the table at `path`; nil where there is none.
  ///
  /// Throws `DatasetError`.
  init?(ifPresent path: BytePath) throws(DatasetError) {
    guard case .file = FolderListing.kind(of: path) else { return nil }
    let bytes: [UInt8]
    do {
      bytes = try PictureBytes.read(path, limit: Self.sizeLimit)
    } catch {
      throw .unreadable(path: "\(path)", reason: "\(error)")
    }
    try self.init(bytes, path: "\(path)")
  }

  /// The table in `bytes`; throws `DatasetError` with the line.
  init(_ bytes: [UInt8], path: String) throws(DatasetError) {
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let content = bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]
    let lines = content.split(separator: 10, omittingEmptySubsequences: false).map(Self.fields)
    let header = (lines.first ?? []).map { String(decoding: $0, as: UTF8.self) }
    guard let name = header.firstIndex(of: "Filename") else {
      throw .unexpected(
        path: path, expected: "a header Filename;Width;…;ClassId in line 1", found: "another")
    }
    let label = header.firstIndex(of: "ClassId")
    hasClasses = label != nil
    for (index, fields) in lines.enumerated().dropFirst() where fields != [[]] {
      try add(fields, name: name, label: label, place: "\(path):\(index + 1)")
    }
  }

  private mutating func add(
    _ fields: [ArraySlice<UInt8>], name: Int, label: Int?, place: String
  ) throws(DatasetError) {
    guard fields.indices.contains(name), label.map(fields.indices.contains) ?? true else {
      throw .unexpected(path: place, expected: "as many fields as the header has", found: "fewer")
    }
    let file = BytePath(bytes: Array(fields[name]))
    // A table comes from elsewhere: it names files beside it and no others.
    guard !file.bytes.isEmpty, !file.bytes.contains(47), !file.bytes.contains(0) else {
      throw .unexpected(path: place, expected: "a picture's name", found: "'\(file)'")
    }
    guard let label else { return rows.append(Row(name: file, label: nil)) }
    let text = "\(BytePath(bytes: Array(fields[label])))"
    guard let number = Int(text), Self.classes ~= number else {
      throw .unexpected(
        path: place, expected: "a class of 0 to \(Self.classes.upperBound - 1)", found: "'\(text)'")
    }
    rows.append(Row(name: file, label: number))
  }

  /// The fields of a line, without blanks, quotes and the carriage return around them.
  private static func fields(_ line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    let around: Set<UInt8> = [9, 13, 32, 34]
    return line.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).map { field in
      let start = field.drop { around.contains($0) }
      let end = start.lastIndex { !around.contains($0) }
      return end.map { start[...$0] } ?? []
    }
  }
}
