import Core
import Testing

/// The container of PyTorch before 1.6, put together by hand.
@Suite struct LegacyArchiveTests {
  private struct Parts {
    var version: [UInt8] = HandMadePickle.whole(HandMadePickle.int(1001))
    var system: [UInt8] = HandMadePickle.whole(
      [0x7d], HandMadePickle.text("little_endian"), [0x88, 0x73])
    var object: [UInt8] = HandMadePickle.whole(
      HandMadePickle.tensor(key: "94126", count: 2, shape: [2], stride: [1]))
    var keys: [UInt8] = HandMadePickle.whole([0x5d], HandMadePickle.text("94126"), [0x61])
    var storage: [UInt8] = [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 63, 0, 0, 0, 64]

    var bytes: [UInt8] {
      let magic: [UInt8] = [
        0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19,
      ]
      return HandMadePickle.whole(magic) + version + system + object + keys + storage
    }
  }

  @Test func elementsFollowThePickles() throws {
    let (value, container) = try TorchArchive.open(ByteView(Parts().bytes), file: "test.pt")
    #expect(container == .legacy)
    #expect(value == .tensor(TorchTensor(shape: [2], values: .float32([1, 2]))))
  }

  @Test func theByteOrderOfTheWriterIsHonoured() throws {
    var parts = Parts()
    parts.system = HandMadePickle.whole(
      [0x7d], HandMadePickle.text("little_endian"), [0x89, 0x73])
    parts.storage = [2, 0, 0, 0, 0, 0, 0, 0, 63, 128, 0, 0, 64, 0, 0, 0]
    let value = try TorchArchive.open(ByteView(parts.bytes), file: "test.pt").value
    #expect(value == .tensor(TorchTensor(shape: [2], values: .float32([1, 2]))))
  }

  @Test func contradictionsAreRefused() {
    func refused(_ change: (inout Parts) -> Void) -> Bool {
      var parts = Parts()
      change(&parts)
      return refusal(of: parts.bytes).map(isOneLine) ?? false
    }
    #expect(refused { $0.version = HandMadePickle.whole(HandMadePickle.int(1000)) })
    #expect(refused { $0.system = HandMadePickle.whole([0x4e]) })
    #expect(refused { $0.system = $0.object })
    #expect(refused { $0.keys = HandMadePickle.whole([0x5d]) })
    #expect(refused { $0.keys = HandMadePickle.whole([0x5d], HandMadePickle.text("1"), [0x61]) })
    #expect(refused { $0.storage[0] = 3 })
    #expect(refused { $0.storage.removeLast() })
    #expect(refused { $0.storage.append(0) })
  }

  @Test func cuttingItAnywhereIsRefused() {
    let bytes = Parts().bytes
    for count in 0..<bytes.count { #expect(refusal(of: Array(bytes[..<count])) != nil) }
  }
}
