import Core
import Testing

/// Pickles of the protocols before and after the one that torch writes.
@Suite struct PickleProtocolTests {
  private func value(_ text: String) throws -> PickleValue { try value(Array(text.utf8)) }

  private func value(_ bytes: [UInt8]) throws -> PickleValue {
    var reader = PickleReader(ByteView(bytes), file: "test.pt", part: "pickle")
    return try reader.readValue()
  }

  /// As Python 3 and 2 write them with `protocol=0`.
  @Test func linesOfProtocolZero() throws {
    #expect(
      try value("(dp0\nVa\np1\nI3\nsVb\np2\n(lp3\nI01\naI00\naNaF0.5\nas.")
        == .dictionary([
          .init("a", .int(3)),
          .init("b", .list([.bool(true), .bool(false), .none, .float(0.5)])),
        ]))
    #expect(try value("(I-7\nL12345678901L\nt.") == .tuple([.int(-7), .int(12_345_678_901)]))
    #expect(try value("(S'it\\'s\\x41\\n'\np0\ng0\nt.").items?.first == .string("it'sA\n"))
    #expect(try value("(V\\u20ac\\u000a\\\\\nt.").items?.first == .string("\u{20ac}\n\\\\"))
    #expect(try value([0x28, 0x56, 0xe9, 0x0a, 0x74, 0x2e]).items?.first == .string("\u{e9}"))
    let large = try value("(L-36893488147419103232L\nt.").items?.first
    guard case .bigInteger(let integer)? = large else { return #expect(Bool(false), "no integer") }
    #expect(integer.description == "-36893488147419103232")
  }

  /// Opcodes with bytes, and no announcement.
  @Test func protocolOneIsReadAsItsSuccessor() throws {
    let body: [UInt8] = [0x7d, 0x71, 0] + HandMadePickle.text("a") + [0x4b, 3, 0x73, 0x2e]
    #expect(try value(body) == .dictionary([.init("a", .int(3))]))
  }

  private func buffer(_ module: String, order: String, axes: [UInt8] = []) -> [UInt8] {
    let content: [UInt8] = [0x96, 6, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6]
    let type = HandMadePickle.call(
      "numpy", "dtype", HandMadePickle.text("u1"), [0x89], [0x88])
    return [0x80, 5]
      + HandMadePickle.call(
        module, "_frombuffer", content, type, [0x4b, 2, 0x4b, 3, 0x86],
        HandMadePickle.text(order), axes) + [0x2e]
  }

  /// What numpy writes with `protocol=5`, its newest with the order of the axes.
  @Test func arraysOfProtocolFive() throws {
    let type = NumpyArray([1.0]).type
    for module in ["numpy.core.numeric", "numpy._core.numeric"] {
      guard case .array(let rows) = try value(buffer(module, order: "C")),
        case .array(let columns) = try value(buffer(module, order: "F", axes: [0x4e]))
      else { return #expect(Bool(false), "no array") }
      #expect(rows.shape == [2, 3] && rows.type != type)
      #expect(rows.integers == [1, 2, 3, 4, 5, 6])
      #expect(columns.integers == [1, 3, 5, 2, 4, 6])
    }
    #expect(throws: ArchiveError.self) { try value(buffer("numpy._core.numeric", order: "K")) }
    // Buffers that lie outside the stream.
    #expect(throws: ArchiveError.self) { try value([0x80, 5, 0x97, 0x2e]) }
  }

  @Test(arguments: [
    "", "hello", "(I1x\nt.", "(I\nt.", "(L--5L\nt.", "(Fx\nt.", "(S'a\nt.", "(Sa\nt.",
    "(S'\\xg0'\nt.", "(S'\\q'\nt.", "(S'a\\'\nt.", "(V\\ud800\nt.", "(V\\u12\nt.", "(V\\u+123\nt.",
    "(I1\ng7\nt.", "(I1\np-1\nt.", "(I1\np\nt.", "(I1", "l.", "(I1\nd.", "(i\n.",
  ])
  func brokenLinesAreRefused(text: String) {
    let error = #expect(throws: ArchiveError.self) { try value(text) }
    #expect(isOneLine("\(error.map { "\($0)" } ?? "")"))
  }

  @Test func anIntegerOfManyDigitsIsRefused() {
    let digits = String(repeating: "7", count: 1_000_000)
    #expect(throws: ArchiveError.self) { try value("(L\(digits)L\nt.") }
  }
}
