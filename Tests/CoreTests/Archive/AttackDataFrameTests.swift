import Core
import Foundation
import Testing

@Suite struct AttackDataFrameTests {
  private func frame() -> AttackDataFrame {
    var frame = AttackDataFrame(columns: ["epoch", "batch", "loss", "test_acc"])
    frame.append([.count(0), .count(62), .number(2.5), .number(.nan)])
    frame.append([.count(1), .count(61), .number(1e-5), .number(0.1)])
    return frame
  }

  @Test func numbersAreWrittenAsPythonDoes() throws {
    let scratch = try ArchiveScratch()
    try frame().write(to: scratch.path("attack_df.csv"))
    try frame().writeSummary(to: scratch.path("attack_df_summary.csv"))
    let table = """
      ,epoch,batch,loss,test_acc
      0,0,62,2.5,
      1,1,61,1e-05,0.1

      """
    let summary = """
      ,epoch,batch,loss,test_acc
      last,1,61,1e-05,0.1
      valid_max,1,62,2.5,0.1
      exist_nan_value,False,False,False,True

      """
    #expect(try scratch.content("attack_df.csv") == Array(table.utf8))
    #expect(try scratch.content("attack_df_summary.csv") == Array(summary.utf8))
  }

  @Test func appendedRowsEqualThoseWrittenAtOnce() throws {
    let scratch = try ArchiveScratch()
    var growing = AttackDataFrame(columns: frame().columns)
    try growing.write(to: scratch.path("a.csv"))
    for row in frame().rows { try growing.append(row, to: scratch.path("a.csv")) }
    try frame().write(to: scratch.path("b.csv"))
    #expect(try scratch.content("a.csv") == scratch.content("b.csv"))
  }

  @Test func rowsAreReadBackAndAPartOfOneIsDropped() throws {
    let scratch = try ArchiveScratch()
    try frame().write(to: scratch.path("a.csv"))
    let whole = try scratch.content("a.csv")
    #expect(try AttackDataFrame.read(path: scratch.path("a.csv")).rows.count == 2)
    let cut = try scratch.file("b.csv", whole + Array("2,2,6".utf8))
    let read = try AttackDataFrame.read(path: cut)
    #expect(read.rows.count == 2 && read.columns == frame().columns)
    try read.write(to: cut)
    #expect(try scratch.content("b.csv") == whole)
  }

  @Test func aMissingNumberIsAnEmptyCellAndTheOriginalsWordIsReadToo() throws {
    let scratch = try ArchiveScratch()
    try frame().write(to: scratch.path("a.csv"))
    let ours = try scratch.content("a.csv")
    #expect(!String(decoding: ours, as: UTF8.self).contains("nan"))
    let theirs = String(decoding: ours, as: UTF8.self)
      .replacingOccurrences(of: "2.5,\n", with: "2.5,nan_value\n")
    for text in [ours, Array(theirs.utf8)] {
      let read = try AttackDataFrame.read(path: scratch.file("b.csv", text))
      #expect(read.rows.first?.last?.number.isNaN == true)
      #expect(read.rows.last == frame().rows.last)
    }
  }

  @Test func windowsLinesAndEmptyCellsAreRead() throws {
    let scratch = try ArchiveScratch()
    let path = try scratch.file("a.csv", Array(",epoch,loss\r\n0,1,\r\n1,2,0.5\r\n".utf8))
    let frame = try AttackDataFrame.read(path: path)
    #expect(frame.columns == ["epoch", "loss"] && frame.rows.count == 2)
    #expect(frame.rows[0][0] == .count(1) && frame.rows[0][1].number.isNaN)
    #expect(frame.rows[1] == [.count(2), .number(0.5)])
  }

  @Test func linesAndFilesFarTooLongAreRefused() throws {
    let scratch = try ArchiveScratch()
    let commas = [UInt8](repeating: UInt8(ascii: ","), count: 3_000_000)
    let wide = try scratch.file("a.csv", commas + [10])
    #expect(throws: ArchiveError.self) { try AttackDataFrame.read(path: wide) }
    let row = try scratch.file("b.csv", Array(",epoch\n".utf8) + commas + [10])
    #expect(throws: ArchiveError.self) { try AttackDataFrame.read(path: row) }
    let long = try scratch.file(
      "c.csv", Array(",epoch\n".utf8) + [UInt8](repeating: 10, count: 5_000_000))
    let error = #expect(throws: ArchiveError.self) { try AttackDataFrame.read(path: long) }
    #expect(error?.description.contains("5000007 bytes") == true)
  }

  @Test func aBadLineIsNamed() throws {
    let scratch = try ArchiveScratch()
    let path = try scratch.file("a.csv", Array(",epoch\n0,1\n1,x\n".utf8))
    let error = #expect(throws: ArchiveError.self) { try AttackDataFrame.read(path: path) }
    #expect(error?.description.contains("line 3") == true)
    let other = try scratch.file("b.csv", Array("epoch\n".utf8))
    #expect(throws: ArchiveError.self) { try AttackDataFrame.read(path: other) }
  }
}
