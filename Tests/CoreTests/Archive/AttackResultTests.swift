import Core
import Foundation
import Testing

@Suite struct AttackResultTests {
  static let small = AttackResult(
    modelName: "resnet18", numClasses: 10,
    model: StateDict([
      .init(name: "conv1.weight", shape: [2, 1, 1, 1], values: .float32([0.5, -1])),
      .init(name: "bn1.num_batches_tracked", shape: [], values: .int64([7])),
    ]), dataPath: "../data/cifar10", imageSize: [32, 32, 3], cleanData: "cifar10",
    backdoorTrain: record("bd_train_dataset", [1, 4], all: true),
    backdoorTest: record("bd_test_dataset", [0, 2, 3], all: false))

  static func record(_ folder: String, _ poisoned: [Int], all: Bool) -> PoisonedSetRecord {
    PoisonedSetRecord(
      saveFolderPath: "/record/\(folder)",
      entries: poisoned.map {
        .init(index: $0, path: "/record/\(folder)/\($0 % 10)/\($0).png", otherInfo: [0, $0 % 10])
      }, originalIndices: all ? Array(0..<5) : poisoned.map { Int64($0) },
      poisonIndicator: (0..<5).map { poisoned.contains($0) ? 1 : 0 })
  }

  @Test(arguments: ArchiveArrays.allCases)
  func whatIsWrittenIsReadBack(arrays: ArchiveArrays) throws {
    let path = try ArchiveScratch()
    try Self.small.write(to: path.path("attack_result.pt"), arrays: arrays)
    #expect(try AttackResult.read(path: path.path("attack_result.pt")) == Self.small)
  }

  @Test func attacksWithoutTrainingImagesAreReadBack() throws {
    let scratch = try ArchiveScratch()
    var result = Self.small
    result.backdoorTrain = nil
    try result.write(to: scratch.path("a.pt"))
    #expect(try AttackResult.read(path: scratch.path("a.pt")) == result)
  }

  @Test func arraysHaveTheTypesOfTheOriginals() throws {
    let scratch = try ArchiveScratch()
    try Self.small.write(to: scratch.path("a.pt"), arrays: .numpy)
    let value = try TorchArchive.read(path: scratch.path("a.pt"))
    #expect(
      value.entries?.compactMap(\.key.text) == [
        "model_name", "num_classes", "model", "data_path", "img_size", "clean_data", "bd_train",
        "bd_test",
      ])
    #expect(value["img_size"] == .tuple([.int(32), .int(32), .int(3)]))
    let test = value["bd_test"]
    #expect(test?["original_index_array"] == .array(NumpyArray([0, 2, 3] as [Int64])))
    #expect(test?["poison_indicator"] == .array(NumpyArray([1.0, 0, 1, 1, 0])))
    try Self.small.write(to: scratch.path("a.pt"), arrays: .lists)
    let lists = try TorchArchive.read(path: scratch.path("a.pt"))["bd_test"]
    #expect(lists?["original_index_array"] == .list([.int(0), .int(2), .int(3)]))
    #expect(lists?["poison_indicator"]?.items?.first == .float(1))
  }

  @Test func theFormatOfTheFirstVersionIsNamed() throws {
    let scratch = try ArchiveScratch()
    let old = PickleValue.dictionary([.init("x", .list([])), .init("y", .list([]))])
    try TorchArchive.write(Self.archived(backdoorTest: old), to: scratch.path("a.pt"))
    let error = #expect(throws: ArchiveError.self) {
      try AttackResult.read(path: scratch.path("a.pt"))
    }
    #expect(error?.description.contains("first version") == true)
  }

  @Test func aMissingKeyIsNamed() throws {
    let scratch = try ArchiveScratch()
    try TorchArchive.write(
      .dictionary([.init("model_name", .string("resnet18"))]), to: scratch.path("a.pt"))
    let error = #expect(throws: ArchiveError.self) {
      try AttackResult.read(path: scratch.path("a.pt"))
    }
    #expect(error?.description.contains("'bd_train'") == true)
    try TorchArchive.write(Self.archived(backdoorTest: .int(3)), to: scratch.path("b.pt"))
    let other = #expect(throws: ArchiveError.self) {
      try AttackResult.read(path: scratch.path("b.pt"))
    }
    #expect(other?.description.contains("bd_test: expected a dict, found int") == true)
  }

  private static func archived(backdoorTest: PickleValue) -> PickleValue {
    .dictionary([
      .init("model_name", .string("resnet18")), .init("num_classes", .int(10)),
      .init("model", small.model.archived), .init("data_path", .string("data")),
      .init("img_size", .list([.int(32), .int(32), .int(3)])),
      .init("clean_data", .string("cifar10")), .init("bd_train", .none),
      .init("bd_test", backdoorTest),
    ])
  }
}

@Suite struct DefenseResultTests {
  private let model = AttackResultTests.small.model

  @Test func bothFormsAreReadBack() throws {
    let scratch = try ArchiveScratch()
    let result = DefenseResult(model: model, modelName: "resnet18", numClasses: 10)
    try result.write(to: scratch.path("dict.pt"), form: .dictionary)
    #expect(try DefenseResult.read(path: scratch.path("dict.pt")) == result)
    try result.write(to: scratch.path("bare.pt"))
    #expect(try DefenseResult.read(path: scratch.path("bare.pt")) == DefenseResult(model: model))
    let bare = try TorchArchive.read(path: scratch.path("bare.pt"))
    #expect(bare.entries?.count == model.entries.count)
  }

  @Test func thePrefixOfDataParallelIsTakenOff() throws {
    let scratch = try ArchiveScratch()
    let prefixed = StateDict(
      model.entries.map { .init(name: "module.\($0.name)", shape: $0.shape, values: $0.values) })
    try DefenseResult(model: prefixed).write(to: scratch.path("a.pt"))
    #expect(try DefenseResult.read(path: scratch.path("a.pt")).model == model)
  }

  @Test func whatIsNoModelIsNamed() throws {
    let scratch = try ArchiveScratch()
    try TorchArchive.write(.dictionary([.init("acc", .float(1))]), to: scratch.path("a.pt"))
    let error = #expect(throws: ArchiveError.self) {
      try DefenseResult.read(path: scratch.path("a.pt"))
    }
    #expect(error?.description.contains("found a dict of acc") == true)
  }

  @Test func plainFilesOfARunAreReadBack() throws {
    let scratch = try ArchiveScratch()
    let arguments: [PickleValue.Entry] = [
      .init("pratio", .float(0.1)), .init("epochs", .int(3)), .init("terminal_info", .list([])),
    ]
    try InfoFile.write(arguments, to: scratch.path("info.pickle"))
    #expect(try InfoFile.read(path: scratch.path("info.pickle")) == arguments)
    let json = try JSONSerialization.jsonObject(with: Data(scratch.content("info.json")))
    let object = json as? [String: Any]
    #expect(object?["pratio"] as? Double == 0.1 && object?["epochs"] as? Int == 3)
    #expect(object?.count == 3 && (object?["terminal_info"] as? [Any])?.isEmpty == true)
    for arrays in ArchiveArrays.allCases {
      try PoisonIndexList.write([0, 1, 0], to: scratch.path("list.pickle"), arrays: arrays)
      #expect(try PoisonIndexList.read(path: scratch.path("list.pickle")) == [0, 1, 0])
    }
  }
}
