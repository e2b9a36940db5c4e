import Core
import Foundation
import TestSupport
import Testing

/// Numpy's files: what is read of them, and that damaged ones are refused.
@Suite struct NumpyFileTests {
  @Test func aHostileHeaderIsEscapedAndCut() throws {
    let scratch = try ArchiveScratch()
    for body in [
      "{'descr': '\u{1b}[31m'}", "{'descr': '<f8', " + String(repeating: "\u{7}", count: 5000),
    ] {
      let header = Array(body.utf8)
      let start = [0x93] + Array("NUMPY".utf8) + [1, 0]
      let path = try scratch.file(
        "a.npy", start + [UInt8(header.count & 255), UInt8(header.count >> 8)] + header)
      let error = #expect(throws: NumpyFileError.self) { try NumpyFile.read(path) }
      let message = error?.description ?? ""
      #expect(message.count < 1000 && !message.unicodeScalars.contains { $0.value < 32 })
    }
  }

  /// Writes a file as numpy does: magic, version 1.0, the header padded to 64 bytes, numbers.
  private static func write(_ header: String, _ numbers: [UInt8]) throws -> String {
    var text = Array(header.utf8)
    while (text.count + 11) % 64 != 0 { text.append(32) }
    text.append(10)
    let length = [UInt8(text.count & 255), UInt8(text.count >> 8)]
    let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString).npy"
    let bytes = [0x93] + Array("NUMPY".utf8) + [1, 0] + length + text + numbers
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  private static func bytes(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

  @Test func floatsAreReadInOrder() throws {
    let path = try Self.write(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
      Self.bytes([0, 1, 2, 3.5, -4, 5]))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let array = try NumpyFile.read(path)
    #expect(array.shape == [2, 3])
    let matrix = try #require(FeatureMatrix(array))
    #expect(matrix[0] == [0, 1, 2] && matrix[1] == [3.5, -4, 5])
  }

  @Test(arguments: [
    ("{'descr': '>f4', 'fortran_order': False, 'shape': (1, 2), }", "little-endian"),
    ("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }", "C order"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }", "do not make"),
    ("{'descr': '|O', 'fortran_order': False, 'shape': (1, 2), }", "numbers"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2), }", "header"),
  ])
  func otherArraysAreRefused(header: String, reason: String) throws {
    let path = try Self.write(header, Self.bytes([1, 2]))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let error = #expect(throws: NumpyFileError.self) { try NumpyFile.read(path) }
    #expect(error?.description.contains(reason) == true, "\(error.debugDescription)")
    #expect(error?.description.contains(path) == true)
  }

  @Test func missingAndTornFilesAreRefused() throws {
    #expect(throws: NumpyFileError.self) { try NumpyFile.read("/nonexistent/x.npy") }
    let path = try Self.write(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }", [0, 1])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    for length in [0, 5, 9, 11, 40, whole.count] {
      try whole.prefix(length).write(to: URL(fileURLWithPath: path))
      #expect(throws: NumpyFileError.self) { try NumpyFile.read(path) }
    }
  }
}
