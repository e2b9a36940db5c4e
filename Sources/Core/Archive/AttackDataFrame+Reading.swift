import Foundation

extension AttackDataFrame {
  /// Reads a file that `write` or the originals wrote; the header gives the columns.
  ///
  /// A last line without its line feed, which a kill may leave, is dropped.
  /// - Throws: `ArchiveError` naming the line.
  public static func read(path: String) throws -> AttackDataFrame {
    let bytes = try ByteView(mapping: path)
    guard let text = bytes.text else {
      throw ArchiveError.damaged(file: path, place: "line 1", problem: "it is not UTF-8")
    }
    var lines = text.split(omittingEmptySubsequences: false) {
      $0 == "\n" || $0 == "\r\n"  // one Character, of a file that passed through Windows
    }
    lines.removeLast()
    guard let header = lines.first?.split(separator: ",", omittingEmptySubsequences: false),
      header.first == "", header.count > 1
    else {
      throw ArchiveError.unexpected(
        file: path, place: "line 1", expected: "a header that begins with a comma",
        found: "\"\(ArchiveError.quoted(String(lines.first ?? "")))\"")
    }
    var frame = AttackDataFrame(columns: header.dropFirst().map(String.init))
    for (number, line) in lines.enumerated().dropFirst() {
      let cells = line.split(separator: ",", omittingEmptySubsequences: false).dropFirst()
      let values = cells.compactMap(value)
      guard values.count == cells.count, values.count == frame.columns.count else {
        throw ArchiveError.unexpected(
          file: path, place: "line \(number + 1)", expected: "\(frame.columns.count) numbers",
          found: "\"\(ArchiveError.quoted(String(line)))\"")
      }
      frame.append(values)
    }
    return frame
  }

  private static func value(_ cell: Substring) -> Value? {
    if cell == "nan_value" { return .number(.nan) }
    return Int(cell).map(Value.count) ?? Double(cell).map(Value.number)
  }
}
