import Core
import TestSupport
import Testing

@Suite struct PickleReaderTests {
  private func value(_ body: [UInt8]...) throws -> PickleValue {
    var reader = PickleReader(
      ByteView([0x80, 2] + body.flatMap { $0 } + [0x2e]), file: "test.pt", part: "pickle")
    return try reader.readValue()
  }

  private func refusal(_ body: [UInt8]...) -> String? {
    do {
      var reader = PickleReader(
        ByteView([0x80, 2] + body.flatMap { $0 } + [0x2e]), file: "test.pt", part: "pickle")
      _ = try reader.readValue()
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func integersOfEverySize() throws {
    #expect(try value([0x4b, 255]) == .int(255))
    #expect(try value([0x4d, 0xff, 0xff]) == .int(65535))
    #expect(try value(HandMadePickle.int(-5)) == .int(-5))
    #expect(try value([0x8a, 0]) == .int(0))
    #expect(try value([0x8a, 1, 0x80]) == .int(-128))
    #expect(try value(HandMadePickle.long(.min)) == .int(.min))
    let large = try value([0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1])
    guard case .bigInteger(let integer) = large else { return #expect(Bool(false), "\(large)") }
    #expect(integer.description == "18446744073709551616")
    #expect(refusal([0x8a, 65] + [UInt8](repeating: 1, count: 65)) != nil)
    #expect(refusal([0x8b, 255, 255, 255, 255]) != nil)
  }

  @Test func memoEntriesStayShared() throws {
    // x = []; memo 0; y = (x, x); x gets 7 through the memo only afterwards.
    let body: [UInt8] = [0x5d, 0x71, 0, 0x68, 0, 0x86, 0x71, 1, 0x68, 0, 0x4b, 7, 0x61, 0x86]
    let seven = PickleValue.list([.int(7)])
    #expect(try value(body) == .tuple([.tuple([seven, seven]), seven]))
  }

  @Test func largestMemoIndexTakesNoMemory() throws {
    #expect(try value([0x5d, 0x72, 255, 255, 255, 255]) == .list([]))
  }

  @Test func pythonTwoStringsAreTextOrBytes() throws {
    #expect(try value([0x55, 2, 0x68, 0x69]) == .string("hi"))
    #expect(try value([0x54, 2, 0, 0, 0, 0xff, 0xfe]) == .bytes([0xff, 0xfe]))
  }

  @Test func laterProtocolsOfPlainDataAreRead() throws {
    let body: [UInt8] = [
      0x95, 0, 0, 0, 0, 0, 0, 0, 0, 0x7d, 0x94, 0x8c, 1, 0x61, 0x94, 0x43, 2, 1, 2, 0x94, 0x73,
    ]
    var reader = PickleReader(
      ByteView([0x80, 4] + body + [0x2e]), file: "test.pt", part: "pickle")
    #expect(try reader.readValue() == .dictionary([.init("a", .bytes([1, 2]))]))
  }

  @Test func cyclesAreRefused() {
    #expect(refusal([0x5d, 0x71, 0, 0x68, 0, 0x61])?.contains("itself") == true)
    #expect(refusal([0x5d, 0x71, 0, 0x68, 0, 0x85, 0x61])?.contains("itself") == true)
  }

  @Test func deepNestingIsRefusedInAnyDisguise() {
    let deep = [UInt8](repeating: 0x5d, count: 200_000) + [UInt8](repeating: 0x61, count: 199_999)
    #expect(refusal(deep)?.contains("nested") == true)
    // Each tuple holds the one before through the memo, so that none is deep when first seen.
    var chain: [UInt8] = [0x5d, 0x29, 0x71, 0, 0x61]
    for _ in 0..<300 { chain += [0x68, 0, 0x85, 0x71, 0, 0x61] }
    #expect(refusal(chain)?.contains("nested") == true)
  }

  @Test func exponentialSharingIsRefused() {
    var body: [UInt8] = [0x5d, 0x71, 0]
    for level in 1...40 {
      body += [0x68, UInt8(level - 1), 0x68, UInt8(level - 1), 0x86, 0x71, UInt8(level)]
    }
    #expect(refusal(body)?.contains("amount to") == true)
  }

  @Test func growingAListOneByOneIsLinear() throws {
    let items = [[UInt8]](repeating: [0x4e, 0x61], count: 1_000_000)
    let body = [0x5d] + Array(items.joined())
    let seconds = try processorSeconds { () throws in
      #expect(try value(body).items?.count == 1_000_000)
    }
    #expect(seconds < 5)
  }

  @Test func decodingOneTextOverAndOverIsRefused() {
    let text = HandMadePickle.text(String(repeating: "a", count: 100_000)) + [0x71, 0]
    let codec = HandMadePickle.text("latin1") + [0x71, 1]
    let encode = HandMadePickle.global("_codecs", "encode") + [0x71, 2]
    let again: [UInt8] = [0x68, 2, 0x68, 0, 0x68, 1, 0x86, 0x52]
    let calls = [[UInt8]](repeating: again + [0x61], count: 1000)
    #expect(
      refusal(text, codec, encode, [0x5d], Array(calls.joined()))?.contains("far more") == true)
  }

  @Test(arguments: [
    ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("builtins", "getattr"),
    ("__builtin__", "bytearray"), ("torch._tensor", "_rebuild_from_type_v2"),
    ("torch", "load"), ("torch.cuda", "float32"), ("numpy", "load"), ("collections", "deque"),
    ("torch.storage", "_load_from_bytes"),
  ])
  func otherNamesAreRefusedByName(module: String, name: String) {
    #expect(refusal(HandMadePickle.global(module, name))?.contains("\(module).\(name)") == true)
  }

  @Test func imagesInsideThePickleAreExplained() {
    #expect(refusal(HandMadePickle.global("PIL.Image", "Image"))?.contains("PNG folders") == true)
  }

  @Test(
    arguments: [
      ("the stack is empty", []), ("no mark", [0x65]), ("pop through a mark", [0x4e, 0x28, 0x85]),
      ("memo", [0x68, 9]), ("append to a dict", [0x7d, 0x4e, 0x61]),
      ("set item on a list", [0x5d, 0x4e, 0x4e, 0x73]),
      ("a list as key", [0x7d, 0x5d, 0x4e, 0x73]),
      ("key twice", [0x7d, 0x4b, 1, 0x4e, 0x73, 0x4b, 1, 0x4e, 0x73]),
      ("text is cut", [0x58, 255, 0, 0, 0]), ("negative length", [0x54, 255, 255, 255, 255]),
      ("not UTF-8", [0x58, 1, 0, 0, 0, 0xff]), ("unknown opcode", [0xff]), ("INST", [0x69]),
      ("OBJ", [0x6f]), ("EXT1", [0x82]), ("persistent id as text", [0x50]),
      ("BUILD on a list", [0x5d, 0x7d, 0x62]), ("call of a text", [0x55, 0, 0x29, 0x52]),
      ("odd items", [0x7d, 0x28, 0x4e, 0x75]),
      ("a bare constructor", Array("cnumpy\nndarray\n".utf8)),
      ("a global cut short", Array("cnumpy".utf8)), ("bytes behind the end", [0x4e, 0x2e, 0x4e]),
    ] as [(String, [UInt8])])
  func malformedStreamsAreRefused(name: String, body: [UInt8]) throws {
    let message = try #require(refusal(body), "\(name) was accepted")
    #expect(isOneLine(message))
  }

  @Test func numpyTypesOtherThanNumbersAndTextAreRefused() {
    for code in ["O8", "V8", "M8", "f16", "i3", "U0", "", "i", "i-8", "i99999999999999999999"] {
      let body = HandMadePickle.call(
        "numpy", "dtype", HandMadePickle.text(code), [0x89], [0x88])
      #expect(refusal(body) != nil, "\(code) was accepted")
    }
  }
}
