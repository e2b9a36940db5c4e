import Core
import Testing

@Suite struct TorchArchiveTests {
  /// One of every kind of value that can be written.
  private static let everything: PickleValue = .dictionary([
    .init("none", .none), .init("bool", .list([.bool(true), .bool(false)])),
    .init(
      "int",
      .list(
        [0, 255, 256, 65535, 65536, -1, -128, -129, 1 << 31, -1 << 31, 1 << 40, .max, .min]
          .map { .int($0) })),
    .init("float", .list([.float(0.1), .float(-.infinity), .float(.leastNonzeroMagnitude)])),
    .init("text", .list([.string(""), .string("é日😀\n"), .string("text")])),
    .init("bytes", .list([.bytes([]), .bytes(Array(0...255))])),
    .init(
      "tuple", .list((0..<5).map { .tuple((0..<$0).map { .int(Int64($0)) }) })),
    .init("set", .set([.int(1), .int(2)])),
    .init(.int(-7), .orderedDictionary([.init("a", .int(1))], metadata: nil)),
    .init("state", .orderedDictionary([], metadata: [.init("", .dictionary([]))])),
    .init("floats", .tensor(TorchTensor(shape: [2, 3], values: .float32([1, 2, 3, 4, 5, .nan])))),
    .init("scalar", .tensor(TorchTensor(shape: [], values: .int64([-9])))),
    .init("empty", .tensor(TorchTensor(shape: [2, 0], values: .float32([])))),
    .init("doubles", .array(NumpyArray([0.5, -1e300]))),
    .init("longs", .array(NumpyArray([Int64.min, 0, 300]))),
    .init("size", .torchSize([2, 3])), .init("type", .torchType(.bfloat16)),
    .init("devices", .list([.torchDevice("cpu"), .torchDevice("cuda:1")])),
    .init("many", .list((0..<2500).map { .int(Int64($0)) })),
    .init("keys", .dictionary((0..<1001).map { .init("key\($0)", .int(Int64($0))) })),
  ])

  private func written(_ value: PickleValue, _ scratch: ArchiveScratch) throws -> [UInt8] {
    try TorchArchive.write(value, to: scratch.path("small.test.pt"))
    return try scratch.content("small.test.pt")
  }

  @Test func whatIsWrittenIsReadBack() throws {
    let scratch = try ArchiveScratch()
    try TorchArchive.write(Self.everything, to: scratch.path("a.pt"))
    #expect(try TorchArchive.read(path: scratch.path("a.pt")) == Self.everything)
  }

  /// Section by section what PyTorch 2.6 and later write, found without our zip reader.
  @Test func bytesAreLaidOutAsInPyTorch() throws {
    let tensor = PickleValue.tensor(TorchTensor(shape: [3], values: .float32([1, 2, 3])))
    let empty = PickleValue.tensor(TorchTensor(shape: [0], values: .float32([])))
    let bytes = try written(.list([tensor, empty]), ArchiveScratch())
    var offset = 0
    var names: [String] = []
    func short(_ offset: Int) -> Int { Int(bytes[offset]) | Int(bytes[offset + 1]) << 8 }
    func word(_ offset: Int) -> Int { short(offset) | short(offset + 2) << 16 }
    var contents: [[UInt8]] = []
    let end = bytes.count - 22
    #expect(word(end) == 0x0605_4b50)
    let directory = word(end + 16)
    while offset < directory {
      #expect(word(offset) == 0x0403_4b50)
      #expect(bytes[offset + 8..<offset + 26].allSatisfy { $0 == 0 })
      let nameLength = short(offset + 26)
      let extra = offset + 30 + nameLength
      names.append(String(decoding: bytes[offset + 30..<extra], as: UTF8.self))
      let padding = short(extra + 2)
      #expect(Array(bytes[extra..<extra + 2]) == Array("FB".utf8))
      #expect(short(offset + 28) == 4 + padding)
      let payload = extra + 4 + padding
      #expect(bytes[extra + 4..<payload].allSatisfy { $0 == UInt8(ascii: "Z") })
      #expect(payload % 64 == 0)
      let isEmpty = names.last == "small.test/data/1"
      #expect(short(offset + 6) == (isEmpty ? 0x0800 : 0x0808))
      var next = payload
      if !isEmpty {
        while word(next) != 0x0807_4b50 { next += 1 }
        #expect(word(next + 8) == next - payload && word(next + 12) == next - payload)
      }
      contents.append(Array(bytes[payload..<next]))
      offset = isEmpty ? next : next + 16
    }
    let expected = [
      "data.pkl", ".format_version", ".storage_alignment", "byteorder", "data/0", "data/1",
      "version",
    ]
    #expect(names == expected.map { "small.test/\($0)" })
    #expect(contents[1...3].map { String(decoding: $0, as: UTF8.self) } == ["1", "64", "little"])
    #expect(contents[4] == [0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64])
    #expect(contents[6] == Array("3\n".utf8))
    let large = end - 76
    #expect(word(large) == 0x0606_4b50 && word(large + 4) == 44)
    #expect(short(large + 12) == 0x031e && short(large + 14) == 45)
    #expect(word(large + 56) == 0x0706_4b50 && word(large + 64) == large)
    #expect(word(large + 32) == expected.count && short(end + 10) == expected.count)
  }

  @Test func archiveNameIsTheFileNameWithoutItsLastExtension() throws {
    let bytes = try written(.none, ArchiveScratch())
    #expect(try ZipReader(ByteView(bytes), file: "test.pt").prefix == "small.test")
  }

  @Test func sharedStoragesAreWrittenOnce() throws {
    let scratch = try ArchiveScratch()
    let tensor = TorchTensor(shape: [1000], values: .float32((0..<1000).map(Float.init)))
    let once = try written(.list([.tensor(tensor)]), scratch).count
    let twice = try written(.list([.tensor(tensor), .tensor(tensor)]), scratch).count
    #expect(twice - once < 200)
  }

  @Test func cuttingAnArchiveAnywhereIsRefused() throws {
    let small = PickleValue.dictionary([
      .init("a", .tensor(TorchTensor(shape: [2], values: .float32([1, 2])))),
      .init("b", .array(NumpyArray([1.0]))),
    ])
    let bytes = try written(small, ArchiveScratch())
    for count in 0..<bytes.count {
      let message = try #require(refusal(of: Array(bytes[..<count])), "\(count) bytes load")
      #expect(isOneLine(message))
    }
  }

  @Test func changedBytesNeverCrash() throws {
    let whole = try written(Self.everything, ArchiveScratch())
    let views = HandMadeZip.torch(
      pickle: HandMadePickle.whole(
        HandMadePickle.tensor(count: 6, offset: 1, shape: [2, 2], stride: [3, 1])),
      storages: [("0", [UInt8](repeating: 1, count: 24))])
    var state: UInt64 = 1
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    for round in 0..<6000 {
      var bytes = round % 2 == 0 ? views : whole
      // Most changes go to the pickle and the directory, where they matter.
      for _ in 0...random(3) {
        bytes[round % 4 < 2 ? random(min(600, bytes.count)) : random(bytes.count)] =
          UInt8(random(256))
      }
      if let message = refusal(of: bytes) { #expect(isOneLine(message)) }
    }
  }

  @Test func versionsOneToTenAreRead() {
    for (version, loads) in [
      ("1", true), ("10\n", true), ("0", false), ("11", false), ("x", false), ("", false),
    ] {
      var zip = HandMadeZip()
      zip.records = [
        .init(name: "a/data.pkl", content: HandMadePickle.whole([0x4e])),
        .init(name: "a/version", content: Array(version.utf8)),
      ]
      #expect((refusal(of: zip.bytes) == nil) == loads, "version \(version)")
    }
  }

  @Test func otherFormatsAreNamed() {
    let none = HandMadePickle.whole([0x4e])
    let script = HandMadeZip.torch(pickle: none, extra: [("constants.pkl", [])])
    #expect(refusal(of: script)?.contains("TorchScript") == true)
    let order = HandMadeZip.torch(pickle: none, extra: [("byteorder", Array("middle".utf8))])
    #expect(refusal(of: order)?.contains("byteorder") == true)
    let tar = [UInt8](repeating: 0x61, count: 257) + Array("ustar".utf8)
    #expect(refusal(of: tar)?.contains("tar") == true)
    #expect(refusal(of: [])?.contains("empty") == true)
    #expect(refusal(of: Array("hello".utf8))?.contains("68 65 6c 6c") == true)
  }

  @Test func missingFilesAreNamedWithTheReason() {
    let error = #expect(throws: ArchiveError.self) { try TorchArchive.read(path: "/no/such.pt") }
    #expect(error?.description == "cannot read /no/such.pt: No such file or directory")
    #expect(throws: ArchiveError.self) { try TorchArchive.read(path: "/") }
  }
}
