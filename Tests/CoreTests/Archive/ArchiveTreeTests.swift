import Core
import Foundation
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
