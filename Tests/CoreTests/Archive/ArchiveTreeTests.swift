import Core
import Foundation
import TestSupport
import Testing

@Suite struct ArchiveTreeTests {
  private let value = PickleValue.dictionary([
    .init("name", .string("secret\n")),
    .init("weight", .tensor(TorchTensor(shape: [2, 1], values: .float32([0.5, 7])))),
    .init("list", .list((0..<20).map { .int($0) })),
    .init(.int(3), .none),
  ])

  private func tree(showsValues: Bool) -> ArchiveTree {
    ArchiveTree(value, file: "a.pt", container: .zip, showsValues: showsValues, childLimit: 2)
  }

  @Test func namesTypesAndShapesAreShown() {
    let whole = ArchiveTree(value, file: "a.pt", container: .zip)
    let expected = """
      a.pt: dict (4) in a zip container
      ├─ name: str
      ├─ weight: tensor float32 [2, 1]
      ├─ list: list (20)
      │  ├─ 0: int
      │  ├─ 1: int
      │  ├─ 2: int
      │  ├─ 3: int
      │  ├─ 4: int
      │  ├─ 5: int
      │  ├─ 6: int
      │  ├─ 7: int
      │  └─ … 12 more
      └─ 3: None

      """
    #expect(whole.text == expected)
  }

  @Test func valuesAreShownOnlyOnRequest() {
    #expect(!tree(showsValues: false).text.contains("secret"))
    #expect(!tree(showsValues: false).json.contains("secret"))
    #expect(tree(showsValues: true).text.contains("name: str = 'secret\\u{a}'"))
    #expect(tree(showsValues: true).text.contains("= 0.5 7.0"))
  }

  @Test func ofLongValuesTheFirstElementsAndHowManyAreLeft() throws {
    let values = PickleValue.dictionary([
      .init("a.b", .tensor(TorchTensor(shape: [1001], values: .int64(Array(0..<1001))))),
      .init("short", .tensor(TorchTensor(shape: [1000], values: .int64(Array(0..<1000))))),
      .init("list", .list((0..<20).map { .int($0) })),
      .init("text", .string(String(repeating: "t", count: 5000))),
    ])
    let text = ArchiveTree(values, file: "a.pt", container: .zip, showsValues: true).text
    #expect(text.contains("= 0 1 2 3 4 5 6 7 … 993 more\n"))
    #expect(text.contains(" 998 999\n") && text.contains("19: int = 19\n"))
    #expect(text.contains(String(repeating: "t", count: 5000)))
    let scratch = try ArchiveScratch()
    try TorchArchive.write(values, to: scratch.path("a.pt"))
    let path = scratch.path("a.pt")
    let one = try ArchiveTree.read(path: path, entry: "a.b", showsValues: true).text
    #expect(one.contains(" 999 1000 in a zip") && one.contains("a.b: tensor int64 [1001]"))
    #expect(
      try ArchiveTree.read(path: path, entry: "list.19", showsValues: true).json.contains("19"))
    for missing in ["b", "list.20", "list.x", "a", "a.b.c", ""] where !missing.isEmpty {
      #expect(throws: ArchiveError.self) { try ArchiveTree.read(path: path, entry: missing) }
    }
  }

  @Test func anExpandedViewCostsWhatIsShownOfIt() throws {
    let tensor = HandMadePickle.tensor(count: 1, shape: [1 << 24], stride: [0])
    let tensors = [[UInt8]](repeating: tensor, count: 300)
    let pickle = HandMadePickle.whole([0x5d, 0x28], Array(tensors.joined()), [0x65])
    let archive = HandMadeZip.torch(pickle: pickle, storages: [("0", [0, 0, 0x80, 0x3f])])
    let (value, container) = try TorchArchive.open(ByteView(archive), file: "a.pt")
    let seconds = processorSeconds {
      let tree = ArchiveTree(value, file: "a.pt", container: container, showsValues: true)
      #expect(tree.text.contains("= 1.0 1.0 1.0 1.0 1.0 1.0 1.0 1.0 … 16777208 more"))
    }
    #expect(seconds < 5)
  }

  @Test func jsonIsOneLineThatParses() throws {
    let json = tree(showsValues: true).json
    #expect(!json.contains("\n"))
    let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
    let children = object?["children"] as? [[String: Any]]
    #expect(object?["type"] as? String == "dict" && object?["count"] as? Int == 4)
    #expect(object?["omitted"] as? Int == 2)
    #expect(children?[1]["shape"] as? [Int] == [2, 1])
    #expect(children?[1]["dtype"] as? String == "float32")
  }

  @Test func controlCharactersInNamesAreEscaped() {
    let hostile = PickleValue.dictionary([.init("a\u{1b}[31m\nb", .none)])
    let text = ArchiveTree(hostile, file: "a.pt", container: .zip).text
    #expect(text.split(separator: "\n").count == 2 && !text.contains("\u{1b}"))
  }

  @Test func sharedContainersDoNotGrowTheTreeWithoutBound() {
    var value = PickleValue.list([])
    for _ in 0..<22 { value = .list([value, value]) }
    #expect(ArchiveTree(value, file: "a.pt", container: .zip).json.utf8.count < 20_000_000)
  }
}
