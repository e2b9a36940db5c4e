import Core
import Foundation
import Testing

@Suite struct AtomicFileTests {
  private struct Interruption: Error {}

  @Test func writesTheWholeContentInOrder() throws {
    let scratch = try ArchiveScratch()
    let large = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    try AtomicFile.write(to: scratch.path("a")) { file in
      try file.write("head")
      #expect(file.offset == 4)
      try file.write(large)
      try file.write("tail")
    }
    #expect(try scratch.content("a") == Array("head".utf8) + large + Array("tail".utf8))
    #expect(try scratch.names() == ["a"])
  }

  @Test func failureLeavesTheOldFileAndNothingElse() throws {
    let scratch = try ArchiveScratch()
    try AtomicFile.write("old", to: scratch.path("a"))
    #expect(throws: Interruption.self) {
      try AtomicFile.write(to: scratch.path("a")) { file in
        try file.write("new")
        throw Interruption()
      }
    }
    #expect(try scratch.content("a") == Array("old".utf8))
    #expect(try scratch.names() == ["a"])
  }

  @Test func theNewFileIsVisibleOnlyWhenWhole() throws {
    let scratch = try ArchiveScratch()
    try AtomicFile.write("old", to: scratch.path("a"))
    try AtomicFile.write(to: scratch.path("a")) { file in
      try file.write([UInt8](repeating: 1, count: 2 << 20))
      #expect(try scratch.content("a") == Array("old".utf8))
    }
    #expect(try scratch.content("a").count == 2 << 20)
  }

  @Test func errorsNameOperationPathAndReason() throws {
    let scratch = try ArchiveScratch()
    let missing = scratch.path("no/such/a")
    let message = #expect(throws: FileError.self) { try AtomicFile.write("x", to: missing) }
    #expect(message?.description == "cannot write \(missing): No such file or directory")
    try FileManager.default.createDirectory(
      atPath: scratch.path("d"), withIntermediateDirectories: false)
    #expect(throws: FileError.self) { try AtomicFile.write("x", to: scratch.path("d")) }
    #expect(try scratch.names() == ["d"])
  }
}
