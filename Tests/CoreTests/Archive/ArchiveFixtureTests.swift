import Core
import Foundation
import TestSupport
import Testing

/// The genuine and hostile archives, against what their manifests say.
@Suite(.enabled(if: Fixtures.available(for: "ArchiveFixtureTests")))
struct ArchiveFixtureTests {
  private func json(_ path: String) throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path(path)))
    return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  @Test func containersLoadWithTheManifestsValues() throws {
    let manifest = try json("container/manifest.json")
    #expect(manifest.count == 29)
    for (name, row) in manifest {
      let row = try #require(row as? [String: Any])
      let path = Fixtures.path("container/\(name)")
      if row["must_load"] as? Bool == true {
        let value = try TorchArchive.read(path: path)
        compare(value, try #require(row["expected"]), name)
      } else {
        expectRefusal(path)
      }
    }
  }

  @Test func hostileArchivesAreRefusedQuickly() throws {
    for (name, row) in try json("hostile/manifest.json") {
      let expectation = try #require((row as? [String: Any])?["expect"] as? String)
      let path = Fixtures.path("hostile/\(name)")
      let seconds = processorSeconds {
        if expectation == "load" {
          #expect(throws: Never.self) { try TorchArchive.read(path: path) }
        } else {
          // Where the manifest leaves the choice, we refuse too.
          expectRefusal(path)
        }
      }
      #expect(seconds < 1, "\(name)")
    }
  }

  private func expectRefusal(_ path: String) {
    let error = #expect(throws: ArchiveError.self, "\(path)") {
      try TorchArchive.read(path: path)
    }
    #expect(error?.description.contains(where: \.isNewline) == false)
    #expect(error?.description.contains(path) == true)
  }

  /// Compares `value` with the manifest's description of it.
  private func compare(_ value: PickleValue, _ expected: Any, _ place: String) {
    switch value {
    case .none: #expect(expected is NSNull, "\(place)")
    case .bool(let value): #expect(expected as? Bool == value, "\(place)")
    case .torchType(let type):
      #expect((expected as? [String: Any])?["repr"] as? String == "torch.\(type)", "\(place)")
    case .torchDevice(let name):
      #expect((expected as? [String: Any])?["repr"] as? String == "device(type='\(name)')")
    default:
      guard let expected = expected as? [String: Any] else {
        return #expect(Bool(false), "\(place): \(value.typeName) for \(expected)")
      }
      compareFields(value, expected, place)
    }
  }

  private func compareFields(_ value: PickleValue, _ expected: [String: Any], _ place: String) {
    func text(_ key: String) -> String? { expected[key] as? String }
    switch value {
    case .int(let value): #expect(text("int") == "\(value)", "\(place)")
    case .bigInteger(let value): #expect(text("int") == value.description, "\(place)")
    case .float(let value): #expect(text("float") == PythonFloat.repr(value), "\(place)")
    case .string(let value): #expect(text("str") == value, "\(place)")
    case .bytes(let value): #expect(text("bytes") == hexadecimal(value), "\(place)")
    case .list(let items): compareItems(items, expected, "list", place)
    case .tuple(let items): compareItems(items, expected, "tuple", place)
    case .torchSize(let sizes):
      compareItems(sizes.map { .int(Int64($0)) }, expected, "Size", place)
    case .set(let items):
      let texts = items.compactMap { $0.integer.map(String.init) }.sorted()
      #expect(expected["set"] as? [String] == texts, "\(place)")
    case .dictionary(let entries): compareEntries(entries, "dict", expected, place)
    case .orderedDictionary(let entries, _):
      compareEntries(entries, "OrderedDict", expected, place)
    case .tensor(let tensor): compareTensor(tensor, expected, place)
    case .array(let array):
      #expect(text("ndarray") == code(array.type), "\(place)")
      #expect(expected["shape"] as? [Int] == array.shape, "\(place)")
      #expect(text("sha256_c_order") == sha256(array.bytes), "\(place)")
      let values = values(array)
      #expect((expected["values"] as? [String]) == Array(values.prefix(32)), "\(place)")
    case .numpyScalar(let scalar):
      #expect(text("npscalar") == code(scalar.type), "\(place)")
      #expect(text("value") == values(scalar).first, "\(place)")
    default: #expect(Bool(false), "\(place): \(value.typeName)")
    }
  }

  private func compareItems(
    _ items: [PickleValue], _ expected: [String: Any], _ key: String, _ place: String
  ) {
    let list = expected[key] as? [Any] ?? []
    #expect(expected[key] != nil && expected["count"] as? Int == items.count, "\(place)")
    for (index, pair) in zip(items, list).enumerated() {
      compare(pair.0, pair.1, "\(place)[\(index)]")
    }
  }

  private func compareEntries(
    _ entries: [PickleValue.Entry], _ kind: String, _ expected: [String: Any], _ place: String
  ) {
    let pairs = expected["items"] as? [[Any]] ?? []
    #expect(expected["dict"] as? String == kind, "\(place)")
    #expect(expected["count"] as? Int == entries.count, "\(place)")
    for (entry, pair) in zip(entries, pairs) {
      compare(entry.key, pair[0], "\(place) key")
      compare(entry.value, pair[1], "\(place).\(entry.key.text ?? "?")")
    }
  }

  private func compareTensor(_ tensor: TorchTensor, _ expected: [String: Any], _ place: String) {
    #expect(expected["tensor"] as? String == tensor.type.rawValue, "\(place)")
    #expect(expected["shape"] as? [Int] == tensor.shape, "\(place)")
    #expect(expected["stride"] as? [Int] == tensor.stride, "\(place)")
    #expect(expected["offset"] as? Int == tensor.offset, "\(place)")
    #expect(expected["requires_grad"] as? Bool == tensor.requiresGradient, "\(place)")
    #expect((expected["class"] as? String == "Parameter") == tensor.isParameter, "\(place)")
    #expect(expected["sha256"] as? String == sha256(tensor.contiguousBytes), "\(place)")
    guard let values = expected["values"] as? [String] else { return }
    let texts =
      tensor.type == .bool
      ? tensor.integers?.map { $0 == 1 ? "True" : "False" }
      : tensor.integers?.map { "\($0)" } ?? tensor.doubles?.map(PythonFloat.repr)
    #expect(values == texts, "\(place)")
  }

  private func code(_ type: NumpyType) -> String {
    let order = type.size == 1 ? "|" : "<"
    let number = type.kind == .unicode ? type.size / 4 : type.size
    return "\(order)\(type.kind.rawValue)\(number)"
  }

  private func values(_ array: NumpyArray) -> [String] {
    switch array.type.kind {
    case .bool: return array.bytes.map { $0 == 1 ? "True" : "False" }
    case .signed, .unsigned: return array.integers?.map { "\($0)" } ?? []
    case .unicode:
      let characters = array.bytes.enumerated().filter { $0.offset % 4 == 0 }.map(\.element)
      let width = array.type.size / 4
      return stride(from: 0, to: characters.count, by: width).map {
        let text = characters[$0..<$0 + width].filter { $0 != 0 }
        return "'\(String(decoding: text, as: UTF8.self))'"
      }
    default: return array.doubles?.map(PythonFloat.repr) ?? []
    }
  }

  private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { String(format: "%02x", $0) }.joined()
  }
}
