import Core
import Testing

@Suite struct ZipReaderTests {
  private static let plain: [HandMadeZip.Record] = [
    .init(name: "a/x", content: [1, 2, 3]), .init(name: "a/sub/y", content: []),
  ]

  private func read(_ zip: HandMadeZip) throws -> ZipReader {
    try ZipReader(ByteView(zip.bytes), file: "test.pt")
  }

  private func refusal(_ change: (inout HandMadeZip) -> Void) -> String? {
    var zip = HandMadeZip(records: Self.plain)
    change(&zip)
    do {
      var reader = try read(zip)
      for name in reader.names { _ = try reader.read(name) }
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func recordsAreFoundUnderTheFirstDirectory() throws {
    var reader = try read(HandMadeZip(records: Self.plain))
    #expect(reader.prefix == "a")
    #expect(reader.names == ["sub/y", "x"])
    #expect(try reader.read("x")?.array == [1, 2, 3])
    #expect(try reader.read("sub/y")?.array == [])
    #expect(try reader.read("z") == nil)
  }

  @Test func deflatedRecordsAreExpandedToTheirSize() throws {
    // zlib.compressobj(9, zlib.DEFLATED, -15) of 1000 bytes of 7.
    let deflated: [UInt8] = [0x63, 0x67, 0x1f, 0x05, 0xa3, 0x60, 0x14, 0x0c, 0x77, 0x00, 0x00]
    var zip = HandMadeZip(records: [.init(name: "a/x", content: deflated, method: 8, size: 1000)])
    var reader = try read(zip)
    #expect(try reader.read("x")?.array == [UInt8](repeating: 7, count: 1000))
    for wrong: UInt32 in [999, 1001, 0] {
      zip.records[0].size = wrong
      reader = try read(zip)
      #expect(throws: ArchiveError.self) { try reader.read("x") }
    }
  }

  @Test func claimedExpansionIsRefusedBeforeMemoryIsTaken() {
    let message = refusal {
      $0.records[0] = .init(name: "a/x", content: [3, 0], method: 8, size: 1 << 30)
    }
    #expect(message?.contains("expand") == true)
  }

  @Test(arguments: ["a/../x", "a//x", "a/./x", "a\\..\\x/y", "b/x", "x", "/a/x", "a/x\0"])
  func oddNamesAreRefused(name: String) {
    #expect(refusal { $0.records.append(.init(name: name, content: [])) } != nil)
  }

  @Test func ambiguityIsRefused() {
    #expect(refusal { $0.records.append($0.records[0]) }?.contains("two records") == true)
    #expect(refusal { $0.records[0].localName = "a/z" }?.contains("another name") == true)
    #expect(refusal { $0.entryCount = 1 } == nil, "a directory may hold more than it lists")
    #expect(refusal { $0.entryCount = 3 } != nil)
  }

  @Test func aWrongChecksumIsNamedAndNoneIsNotInsistedOn() {
    // zlib.crc32(b"\1\2\3")
    #expect(refusal { $0.records[0].checksum = 0x55bc_801d } == nil)
    #expect(refusal { $0.records[0].checksum = 0 } == nil)
    let message = refusal {
      $0.records[0].checksum = 0x55bc_801d
      $0.records[0].content[1] ^= 0x40
    }
    #expect(message?.contains("'a/x'") == true && message?.contains("55bc801d") == true)
  }

  /// Otherwise many records may be the same bytes, each counted as data of its own.
  @Test func recordsThatOverlapAreRefused() {
    let inner: [UInt8] =
      [0x50, 0x4b, 3, 4] + [UInt8](repeating: 0, count: 22) + [3, 0, 0, 0] + Array("a/y".utf8)
    let message = refusal { zip in
      zip.records = [
        .init(name: "a/x", content: inner + [1, 2]), .init(name: "a/y", content: [3]),
      ]
      zip.records[1].offset = 33
    }
    #expect(message?.contains("overlap") == true)
  }

  @Test func encryptionAndUnknownMethodsAreRefused() {
    #expect(refusal { $0.records[0].flags = 1 }?.contains("encrypted") == true)
    #expect(refusal { $0.records[0].method = 12 }?.contains("method 12") == true)
  }

  @Test func offsetsOutsideAreRefused() {
    for offset: UInt32 in [1, 60, 1 << 20, .max] {
      #expect(refusal { $0.records[0].offset = offset } != nil)
    }
    #expect(refusal { $0.records[0].size = 1 << 20 } != nil)
  }

  @Test func aCommentBehindTheEndIsNoHarm() {
    #expect(refusal { $0.comment = Array("hello".utf8) } == nil)
  }
}
