import Core
import Foundation
import Testing

/// Traffic signs in the three layouts: which picture has which class, in which order.
@Suite struct GTSRBTests {
  private let header = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId"

  private func table(_ rows: [(String, Int)], end: String = "\r\n") -> [UInt8] {
    let lines = rows.map { "\($0.0);8;8;1;1;6;6;\($0.1)" }
    return Array(([header] + lines).joined(separator: end).utf8)
  }

  /// Training pictures of values 1 to 5 in `train`, and test pictures of 11 to 13 in `test`.
  private func pictures(_ scratch: DataScratch, train: String, test: String) throws {
    for (name, value) in [
      ("00000/00001_00000", 1), ("00000/00000_00000", 2), ("00007/00000_00000", 3),
      ("00012/00000_00000", 4), ("00012/00000_00001", 5),
    ] { try scratch.write(pixmap(UInt8(value), width: 9), to: "\(train)/\(name).ppm") }
    // The order of a table is not that of the names.
    try scratch.write(
      table([("00001_00000.ppm", 0), ("00000_00000.ppm", 0)]), to: "\(train)/00000/GT-00000.csv")
    for index in 0..<3 {
      try scratch.write(pixmap(UInt8(11 + index), height: 40), to: "\(test)/0000\(index).ppm")
    }
  }

  private let testTable = [("00002.ppm", 7), ("00000.ppm", 42), ("00001.ppm", 0)]

  private func load(_ path: String) throws -> DatasetPair {
    try DatasetLoader.load(name: "gtsrb", path: path, seed: 0)
  }

  /// The value of each picture, which is the same in all its pixels.
  private func values(_ images: LabeledImages) -> [UInt8] {
    (0..<images.count).map { images.pixels[images.range(of: $0).lowerBound] }
  }

  @Test(arguments: [
    ("Final_Training/Images", "Final_Test/Images", "Final_Test/Images"),
    ("Final_Training/Images", "Final_Test/Images", "Final_Test"),
    ("Final_Training/Images", "Final_Test/Images", "."), ("Train", "Test", "Test"),
    ("Final_Training/Images", "Final_Test/Images", ".."),
  ])
  func tablesSayOrderAndClasses(train: String, test: String, place: String) throws {
    let scratch = try DataScratch()
    try pictures(scratch, train: "GTSRB/\(train)", test: "GTSRB/\(test)")
    try scratch.write(table(testTable), to: "GTSRB/\(place)/GT-final_test.csv")
    for path in [scratch.path, "\(scratch.path)/GTSRB"] {
      let pair = try load(path)
      #expect(pair.train.labels == [0, 0, 7, 12, 12] && values(pair.train) == [1, 2, 3, 4, 5])
      #expect(pair.test.labels == [7, 42, 0] && values(pair.test) == [13, 11, 12])
      #expect(pair.train.classCount == 43 && pair.train.height == 32 && pair.train.width == 32)
    }
  }

  @Test func torchvisionsTrainingImagesComeByName() throws {
    let scratch = try DataScratch()
    try pictures(scratch, train: "gtsrb/GTSRB/Training", test: "gtsrb/GTSRB/Final_Test/Images")
    try scratch.write(table(testTable, end: "\n"), to: "gtsrb/GT-final_test.csv")
    let pair = try load(scratch.path)
    #expect(pair.train.labels == [0, 0, 7, 12, 12] && values(pair.train) == [2, 1, 3, 4, 5])
    #expect(pair.test.labels == [7, 42, 0])
  }

  @Test func aTestSetWithoutClassesNamesTheMissingArchive() throws {
    let scratch = try DataScratch()
    try pictures(scratch, train: "Final_Training/Images", test: "Final_Test/Images")
    let lines = ["Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2", "00000.ppm;8;8;1;1;6;6"]
    let bytes = Array(lines.joined(separator: "\n").utf8)
    for name in ["GT-final_test.test.csv", "GT-final_test.csv"] {
      try scratch.write(bytes, to: "Final_Test/Images/\(name)")
      let error = #expect(throws: DatasetError.self) { try load(scratch.path) }
      #expect(error?.description.contains("GTSRB_Final_Test_GT.zip") == true)
    }
  }

  @Test func withoutTablesTheNumberOfAFolderIsTheClass() throws {
    let scratch = try DataScratch()
    for (half, value) in [("train", 1), ("test", 3)] {
      try scratch.write(pixmap(UInt8(value)), to: "\(half)/00010/a.ppm")
      try scratch.write(pixmap(UInt8(value + 1)), to: "\(half)/2/a.ppm")
      try scratch.write(Array("\(header)\n".utf8), to: "\(half)/2/GT-2.csv")
    }
    let pair = try load(scratch.path)
    #expect(pair.train.labels == [2, 10] && values(pair.train) == [2, 1])
    #expect(pair.test.labels == [2, 10] && values(pair.test) == [4, 3])
  }

  @Test func whatNoTableNamesIsCountedAndWhatIsMissingIsAnError() throws {
    let scratch = try DataScratch()
    try pictures(scratch, train: "Train", test: "Test")
    try scratch.write(table(testTable), to: "Test/GT-final_test.csv")
    try scratch.write(pixmap(9), to: "Test/00003.ppm")
    try scratch.write(pixmap(9), to: "Train/00000/more.ppm")
    try scratch.write(pixmap(9), to: "Train/signs/more.ppm")
    let warnings = try load(scratch.path).warnings
    #expect(warnings.contains { $0.contains("3 files left out") && $0.contains("Test/00003.ppm") })
    #expect(warnings.contains { $0.contains("40 of the 43 classes") })
    try scratch.write(table(testTable + [("00009.ppm", 1)]), to: "Test/GT-final_test.csv")
    let error = #expect(throws: ImageError.self) { try load(scratch.path) }
    #expect(error?.description.contains("Test/00009.ppm") == true)
  }

  @Test(arguments: [
    ("00000.ppm;8;8;1;1;6;6;43", ":2: expected a class of 0 to 42, found '43'"),
    ("00000.ppm;8;8;1;1;6;6;x", ":2: expected a class of 0 to 42, found 'x'"),
    ("00000.ppm;8", ":2: expected as many fields as the header has"),
    ("../Train/00000/a.ppm;8;8;1;1;6;6;0", ":2: expected a picture's name"),
  ])
  func faultsOfATableNameTheirLine(row: String, words: String) throws {
    let scratch = try DataScratch()
    try pictures(scratch, train: "Train", test: "Test")
    try scratch.write(Array("\(header)\n\(row)\n".utf8), to: "Test/GT-final_test.csv")
    let error = #expect(throws: DatasetError.self) { try load(scratch.path) }
    #expect(error?.description.contains("GT-final_test.csv\(words)") == true, "\(error as Any)")
  }
}
