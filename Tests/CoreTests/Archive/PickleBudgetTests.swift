import Core
import TestSupport
import Testing

/// Short streams that would cost far more than they are long, and long ones that may.
@Suite struct PickleBudgetTests {
  /// What reading `body` ends with; nil where it loads.
  private func refusal(_ body: [UInt8]...) -> String? {
    do {
      _ = try value(body.flatMap { $0 })
      return nil
    } catch {
      return "\(error)"
    }
  }

  private func value(_ body: [UInt8]) throws -> PickleValue {
    var reader = PickleReader(
      ByteView([0x80, 2] + body + [0x2e]), file: "test.pt", part: "pickle")
    return try reader.readValue()
  }

  private func times(_ count: Int, _ body: [UInt8]) -> [UInt8] {
    Array(repeatElement(body, count: count).joined())
  }

  private func put(_ index: UInt8) -> [UInt8] { [0x71, index] }
  private func get(_ index: UInt8) -> [UInt8] { [0x68, index] }

  @Test func aSetMadeOfAGrowingListAgainAndAgain() {
    let set = HandMadePickle.global("__builtin__", "set") + put(0)
    let list = [0x5d] + put(1) + [0x28] + times(100_000, [0x4e]) + [0x65]
    let round = get(0) + get(1) + [0x85, 0x52] + get(1) + [0x4e, 0x61]
    #expect(refusal(set, list, times(3000, round))?.contains("far more than it holds") == true)
  }

  @Test func aMemoThatOnlyGrows() {
    #expect(refusal([0x5d], times(15_000_000, [0x94]))?.contains("far more") == true)
  }

  @Test func manySmallValues() {
    let tuples = [0x5d, 0x28] + times(1_000_000, [0x4e, 0x85])
    #expect(refusal(tuples, [0x65])?.contains("far more") == true)
  }

  @Test func integersAsKeysAreComparedByTheirBytes() throws {
    var body: [UInt8] = [0x7d, 0x28]
    for number in 0..<100_000 {
      body += [0x8a, 64] + withUnsafeBytes(of: UInt32(number)) { Array($0) }
      body += [UInt8](repeating: 0x5a, count: 60) + [0x4e]
    }
    let seconds = try processorSeconds { () throws in
      #expect(try value(body + [0x75]).entries?.count == 100_000)
    }
    #expect(seconds < 30)
    // Written in more bytes than it needs, an integer is still the same key.
    let seven: [UInt8] = [0x8a, 12, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]
    let same: [UInt8] = [0x8a, 9, 7, 0, 0, 0, 0, 0, 0, 0, 1]
    #expect(refusal([0x7d], seven, [0x4e, 0x73], same, [0x4e, 0x73])?.contains("twice") == true)
  }

  @Test func oneLongKeyInManyDictionaries() {
    let text = HandMadePickle.text(String(repeating: "k", count: 500_000)) + put(0)
    let dictionaries = times(20_000, [0x7d] + get(0) + [0x4e, 0x73])
    #expect(refusal([0x5d], text, [0x61, 0x28], dictionaries, [0x65])?.contains("keys") == true)
  }

  @Test func keysThatAreTrees() {
    var body: [UInt8] = [0x5d, 0x28, 0x4e, 0x85] + put(0)
    for level: UInt8 in 1...8 { body += get(level - 1) + get(level - 1) + [0x86] + put(level) }
    #expect(refusal(body, [0x7d], get(8), [0x4e, 0x73, 0x65])?.contains("whose key") == true)
    // Small enough each, but hashed far more often than the stream is long.
    let again = times(100_000, [0x7d] + get(4) + [0x4e, 0x73])
    #expect(refusal(body, again, [0x65])?.contains("keys") == true)
  }

  @Test func attributesThatAreLookedThroughAgainAndAgain() {
    var body: [UInt8] = [0x7d, 0x28]
    for number in 0..<50_000 { body += HandMadePickle.int(Int32(number + 300)) + [0x4e] }
    body += [0x75] + put(0) + HandMadePickle.call("collections", "OrderedDict")
    #expect(refusal(body, times(100_000, get(0) + [0x62]), [0x86])?.contains("far more") == true)
  }

  @Test func tensorsOfManyDimensionsOnOneElement() {
    let one = [0x28] + times(64, [0x4b, 1]) + [0x74]
    let zero = [0x28] + times(64, [0x4b, 0]) + [0x74]
    let storage =
      HandMadePickle.tuple(
        HandMadePickle.text("storage"), HandMadePickle.global("torch", "FloatStorage"),
        HandMadePickle.text("0"), HandMadePickle.text("cpu"), [0x4b, 1]) + [0x51]
    let parts =
      [0x28] + HandMadePickle.global("torch._utils", "_rebuild_tensor_v2") + put(0) + storage
      + put(1) + one + put(2) + zero + put(3)
    let tensor = get(0) + [0x28] + get(1) + [0x4b, 0] + get(2) + get(3) + [0x89, 0x4e, 0x74, 0x52]
    let pickle = HandMadePickle.whole(parts, times(200_000, tensor), [0x74])
    let archive = HandMadeZip.torch(pickle: pickle, storages: [("0", [0, 0, 0, 0])])
    #expect(CoreTests.refusal(of: archive)?.contains("far more") == true)
  }

  @Test func recordsOfManyImagesAreReadAllTheSame() throws {
    let entries = (0..<30_000).map { index in
      PickleValue.Entry(
        .int(Int64(index)),
        .dictionary([
          .init("path", .string("./record/run/bd_train_dataset/\(index % 10)/\(index).png")),
          .init("other_info", .list([.int(0), .int(Int64(index % 10))])),
        ]))
    }
    let scratch = try ArchiveScratch()
    try TorchArchive.write(.dictionary(entries), to: scratch.path("a.pt"))
    #expect(try TorchArchive.read(path: scratch.path("a.pt")).entries?.count == 30_000)
  }

  @Test func textsThatLookAlikeAreTwoKeys() throws {
    let (composed, decomposed) = ("\u{e9}", "e\u{301}")
    let body =
      [0x7d] + HandMadePickle.text(composed) + [0x4b, 1, 0x73] + HandMadePickle.text(decomposed)
      + [0x4b, 2, 0x73]
    #expect(try value(body).entries?.count == 2)
  }
}
