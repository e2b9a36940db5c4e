import Core
import Testing

@Suite struct TensorViewTests {
  private func tensor(
    count: Int64 = 12, offset: Int64 = 0, shape: [Int64], stride: [Int64], isBigEndian: Bool = false
  ) throws -> TorchTensor {
    let content = (0..<12).flatMap { index in
      let bits = Float(index).bitPattern
      return withUnsafeBytes(of: isBigEndian ? bits.bigEndian : bits.littleEndian) { Array($0) }
    }
    let order = isBigEndian ? [("byteorder", Array("big".utf8))] : []
    let bytes = HandMadeZip.torch(
      pickle: HandMadePickle.whole(
        HandMadePickle.tensor(count: count, offset: offset, shape: shape, stride: stride)),
      storages: [("0", content)], extra: order)
    let value = try TorchArchive.open(ByteView(bytes), file: "test.pt").value
    guard case .tensor(let tensor) = value else {
      throw ArchiveError.notAnArchive(file: "", found: "")
    }
    return tensor
  }

  @Test func elementsFollowOffsetAndStride() throws {
    #expect(try tensor(shape: [12], stride: [1]).floats == (0..<12).map(Float.init))
    #expect(try tensor(offset: 4, shape: [2, 2], stride: [1, 4]).floats == [4, 8, 5, 9])
    #expect(try tensor(offset: 11, shape: [3], stride: [0]).floats == [11, 11, 11])
    #expect(try tensor(offset: 3, shape: [], stride: []).floats == [3])
    #expect(try tensor(shape: [2, 0], stride: [1, 1]).floats == [])
    #expect(try tensor(offset: 1, shape: [3], stride: [1], isBigEndian: true).floats == [1, 2, 3])
  }

  @Test(
    arguments: [
      (0, [13], [1]), (1, [12], [1]), (0, [2, 7], [6, 1]), (-1, [1], [1]), (0, [-1], [1]),
      (0, [2], [-1]), (0, [2, 2], [1]), (12, [1], [1]), (.max, [2], [1]), (0, [2], [.max]),
      (0, [1 << 40], [0]), (0, [1 << 32, 1 << 32], [0, 0]), (0, [0, 1 << 40, 1 << 40], [1, 1, 1]),
      (13, [0], [1]), (0, [3, 3], [1 << 62, 1 << 62]),
    ] as [(Int64, [Int64], [Int64])])
  func viewsOutsideTheirStorageAreRefused(offset: Int64, shape: [Int64], stride: [Int64]) {
    #expect(throws: ArchiveError.self) {
      try tensor(offset: offset, shape: shape, stride: stride)
    }
  }

  @Test(arguments: [11, 13, -1, 0, 1 << 62] as [Int64])
  func storagesOfAnotherSizeAreRefused(count: Int64) {
    #expect(throws: ArchiveError.self) { try tensor(count: count, shape: [0], stride: [1]) }
  }

  @Test func storageKeysArePlain() {
    for key in ["../0", "a/b", "", ".", String(repeating: "1", count: 65)] {
      let pickle = HandMadePickle.whole(
        HandMadePickle.tensor(key: key, count: 1, shape: [1], stride: [1]))
      let bytes = HandMadeZip.torch(pickle: pickle, storages: [("0", [0, 0, 0, 0])])
      #expect(refusal(of: bytes)?.contains("storage key") == true)
    }
  }

  @Test func copiesOfExpandedTensorsAreBounded() throws {
    let tensor = HandMadePickle.tensor(count: 1, shape: [1 << 24], stride: [0])
    var entries: [UInt8] = []
    for index in 0..<3 { entries += HandMadePickle.text("t\(index)") + tensor + [0x73] }
    let bytes = HandMadeZip.torch(
      pickle: HandMadePickle.whole([0x7d] + entries), storages: [("0", [0, 0, 0, 0])])
    let value = try TorchArchive.open(ByteView(bytes), file: "test.pt").value
    let error = #expect(throws: ArchiveError.self) {
      try StateDict(value, file: "test.pt", place: "")
    }
    #expect(error?.description.contains("far larger") == true)
  }
}
