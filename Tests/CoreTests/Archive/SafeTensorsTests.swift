import Core
import Testing

/// Files of the safetensors library.
@Suite struct SafeTensorsTests {
  private func file(_ header: String, _ elements: [UInt8], length: Int? = nil) -> [UInt8] {
    let bytes = Array(header.utf8)
    let count = UInt64(length ?? bytes.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + bytes + elements
  }

  private func read(_ bytes: [UInt8]) throws -> PickleValue {
    let (value, container) = try TorchArchive.open(ByteView(bytes), file: "test.pt")
    #expect(container == .safetensors)
    return value
  }

  private static let header = #"""
    {"__metadata__":{"format":"pt"},
    "b":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]},
    "a.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},
    "n":{"dtype":"I64","shape":[],"data_offsets":[12,20]}}
    """#
  private static let elements: [UInt8] =
    [0, 0, 128, 63, 0, 0, 0, 64, 128, 63, 0, 192] + [7, 0, 0, 0, 0, 0, 0, 0]

  @Test func tensorsAreReadWhereTheHeaderSaysTheyLie() throws {
    let value = try read(file(Self.header + "   ", Self.elements))
    let state = try StateDict(within: value, file: "test.pt")
    #expect(
      state
        == StateDict([
          .init(name: "a.weight", shape: [1, 2], values: .float32([1, 2])),
          .init(name: "b", shape: [2], values: .float32([1, -2])),
          .init(name: "n", shape: [], values: .int64([7])),
        ]))
  }

  @Test func whatContradictsTheFormatIsRefusedInOneLine() {
    let one = { (type: String, shape: String, offsets: String) in
      #"{"a":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}}"#
    }
    let cases: [(bytes: [UInt8], said: String)] = [
      (file(Self.header, Array(Self.elements.dropLast())), "n: expected data_offsets"),
      (file(Self.header, Self.elements + [0]), "1 bytes are no tensor's"),
      (file(Self.header, [], length: 5000), "5000 bytes are announced"),
      (file("{\"a\":", []), "expected JSON of tensors"),
      (file("{\"a\":3}", []), "expected JSON of tensors"),
      (file(one("F32", "[1]", "[0,8]"), Array(repeating: 0, count: 8)), "8 bytes for a tensor"),
      (file(one("F32", "[-1]", "[0,4]"), [0, 0, 0, 0]), "4 bytes for a tensor"),
      (file(one("F32", "[0,4611686018427387904,4]", "[0,0]"), []), "0 bytes for a tensor"),
      (file(one("F8_E4M3", "[1]", "[0,1]"), [0]), "elements of the type 'F8_E4M3'"),
      (file(one("F32", "[1]", "[4,8]"), Array(repeating: 0, count: 8)), "found [4, 8]"),
      (file(one("F32", "[1]", "[0]"), [0, 0, 0, 0]), "found [0]"),
      (file(one("F32", "[1]", "[0,-4]"), [0, 0, 0, 0]), "found [0, -4]"),
    ]
    for (bytes, said) in cases {
      let message = refusal(of: bytes) ?? "loaded"
      #expect(isOneLine(message) && message.contains(said), "\(message)")
    }
  }
}
