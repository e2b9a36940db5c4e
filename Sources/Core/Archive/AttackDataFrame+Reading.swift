import Foundation

extension AttackDataFrame {
  /// Bytes of the largest file that is read; a row of ours takes about 200.
  private static let largestFile = 4 << 20
  /// Columns of the widest file that is read.
  private static let mostColumns = 1000

  /// Reads a file that `write` or the originals wrote; the header gives the columns.
  ///
  /// Lines end with a line feed, or with the two characters of Windows, which an editor may have
  /// left. A last line without its end, which a kill may leave, is dropped.
  /// - Throws: `ArchiveError` naming the line.
  public static func read(path: String) throws -> AttackDataFrame {
    let bytes = try ByteView(mapping: path)
    guard bytes.count <= largestFile else {
      throw ArchiveError.refused(
        file: path, place: "its size",
        problem: "\(bytes.count) bytes, at most \(largestFile) are read")
    }
    guard let text = bytes.text else {
      throw ArchiveError.damaged(file: path, place: "line 1", problem: "it is not UTF-8")
    }
    // By bytes: to a Character the two ends of a Windows line are one, which is no line feed.
    var rest = text.utf8[...]
    let header = line(from: &rest).map(cells) ?? []
    guard header.first == "", (2...mostColumns).contains(header.count) else {
      throw ArchiveError.unexpected(
        file: path, place: "line 1",
        expected: "a header of 1 to \(mostColumns - 1) columns that begins with a comma",
        found: "\"\(ArchiveError.quoted(header.joined(separator: ",")))\"")
    }
    var frame = AttackDataFrame(columns: header.dropFirst().map(String.init))
    var number = 1
    while let line = line(from: &rest) {
      number += 1
      let cells = cells(line).dropFirst()
      let values = cells.compactMap(value)
      guard values.count == cells.count, values.count == frame.columns.count else {
        throw ArchiveError.unexpected(
          file: path, place: "line \(number)", expected: "\(frame.columns.count) numbers",
          found: "\"\(ArchiveError.quoted(String(decoding: line, as: UTF8.self)))\"")
      }
      frame.append(values)
    }
    return frame
  }

  private static let lineFeed = UInt8(ascii: "\n")

  /// The next line of `rest`, which moves behind it; nil where none is whole.
  private static func line(from rest: inout Substring.UTF8View) -> Substring.UTF8View? {
    guard let end = rest.firstIndex(of: lineFeed) else { return nil }
    defer { rest = rest[rest.index(after: end)...] }
    return rest[..<end]
  }

  /// The cells of a line without its end, of which the last is the rest of one that is too long.
  private static func cells(_ line: Substring.UTF8View) -> [Substring] {
    let content = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
    return content.split(
      separator: UInt8(ascii: ","), maxSplits: mostColumns, omittingEmptySubsequences: false
    ).map(Substring.init)
  }

  /// A number, or NaN for an empty cell and for what the originals write in place of one.
  private static func value(_ cell: Substring) -> Value? {
    if cell.isEmpty || cell == "nan_value" { return .number(.nan) }
    return Int(cell).map(Value.count) ?? Double(cell).map(Value.number)
  }
}
