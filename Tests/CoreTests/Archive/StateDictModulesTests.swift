import Core
import Testing

@Suite struct StateDictModulesTests {
  private func versions(_ names: [String]) -> [String] {
    let entries = names.map { StateDict.Entry(name: $0, shape: [0], values: .float32([])) }
    guard case .orderedDictionary(_, let metadata?) = StateDict(entries).archived else { return [] }
    return metadata.compactMap { entry in
      guard let path = entry.key.text, let version = entry.value["version"]?.integer else {
        return nil
      }
      return "\(path):\(version)"
    }
  }

  @Test func modulesStandBeforeTheirChildren() {
    #expect(
      versions(["conv1.weight", "bn1.weight", "bn1.running_mean", "features.0.linear.bias"]) == [
        ":1", "conv1:1", "bn1:2", "features:1", "features.0:1", "features.0.linear:1",
      ])
  }

  @Test func shortcutsThatDoNothingAreListedWhereOthersNormalise() {
    let blocks = [
      "layer1.0.conv1.weight", "layer2.0.conv1.weight", "layer2.0.shortcut.1.running_mean",
      "layer2.1.conv1.weight", "linear.bias",
    ]
    #expect(
      versions(blocks) == [
        ":1", "layer1:1", "layer1.0:1", "layer1.0.conv1:1", "layer1.0.shortcut:1", "layer2:1",
        "layer2.0:1", "layer2.0.conv1:1", "layer2.0.shortcut:1", "layer2.0.shortcut.1:2",
        "layer2.1:1", "layer2.1.conv1:1", "layer2.1.shortcut:1", "linear:1",
      ])
    #expect(!versions(["layer1.0.conv1.weight", "linear.bias"]).contains("layer1.0.shortcut:1"))
  }

  @Test func tensorsOfOtherTypesAreNamed() {
    let value = PickleValue.dictionary([.init("a", .int(1))])
    let error = #expect(throws: ArchiveError.self) {
      try StateDict(value, file: "test.pt", place: "model")
    }
    #expect(error?.description == "test.pt: model.a: expected a tensor, found int")
    #expect(throws: ArchiveError.self) { try StateDict(.list([]), file: "test.pt", place: "") }
  }
}
