import Core
import Foundation
import TestSupport
import Testing

/// The archive of a run of the original code, against what was recorded of it.
@Suite(.enabled(if: Fixtures.available(for: "GenuineAttackTests")))
struct GenuineAttackTests {
  private let folder = "badnet_thin16"

  private func expected(_ name: String) throws -> [String: Any] {
    let url = URL(fileURLWithPath: Fixtures.path("\(folder)/\(name)"))
    return try #require(
      JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
  }

  private func path(_ name: String) -> String { Fixtures.path("\(folder)/\(name)") }

  private func check(_ model: StateDict, _ rows: [[String: Any]]) {
    #expect(model.entries.count == rows.count)
    for (entry, row) in zip(model.entries, rows) {
      #expect(row["name"] as? String == entry.name)
      #expect(row["shape"] as? [Int] == entry.shape)
      let (type, bytes) =
        switch entry.values {
        case .float32(let values): ("float32", values.withUnsafeBytes { Array($0) })
        case .int64(let values): ("int64", values.withUnsafeBytes { Array($0) })
        }
      #expect(row["dtype"] as? String == type)
      let digest = row["sha256_le_bytes"] ?? row["sha256"]
      #expect(digest as? String == sha256(bytes), "\(entry.name)")
    }
  }

  private func check(_ record: PoisonedSetRecord, _ expected: [String: Any]) throws {
    #expect(expected["save_folder_path"] as? String == record.saveFolderPath)
    let indices = try #require(expected["original_index_array"] as? [String: Any])
    #expect(indices["values"] as? [Int] == record.originalIndices.map { Int($0) })
    let indicator = try #require(expected["poison_indicator"] as? [String: Any])
    let ones = record.poisonIndicator.indices.filter { record.poisonIndicator[$0] == 1 }
    #expect(indicator["ones_at"] as? [Int] == ones)
    let rows = try #require(expected["data_dict"] as? [[Any]])
    #expect(rows.count == record.entries.count)
    for (entry, row) in zip(record.entries, rows) {
      #expect(row[0] as? Int == entry.index)
      #expect(entry.path.hasSuffix(try #require(row[1] as? String)))
      #expect(row[2] as? [Int] == entry.otherInfo)
    }
  }

  @Test func everythingInTheArchiveIsAsRecorded() throws {
    let expected = try expected("expected.json")
    let result = try AttackResult.read(path: path("attack_result.pt"))
    #expect(result.modelName == "resnet18" && result.numClasses == 10)
    #expect(result.dataPath == "../data/cifar10" && result.cleanData == "cifar10")
    #expect(result.imageSize == [32, 32, 3])
    check(result.model, try #require(expected["state_dict"] as? [[String: Any]]))
    let train = try #require(result.backdoorTrain)
    try check(train, try #require(expected["bd_train"] as? [String: Any]))
    try check(result.backdoorTest, try #require(expected["bd_test"] as? [String: Any]))
    #expect(train.poisonIndicator.count == 1000 && train.entries.count == 300)
    #expect(
      try PoisonIndexList.read(path: path("train_poison_index_list.pickle"))
        == train.poisonIndicator)
  }

  @Test func ourMetadataIsThatOfTheOriginal() throws {
    let genuine = try TorchArchive.read(path: path("attack_result.pt"))
    guard case .orderedDictionary(_, let metadata?)? = genuine["model"] else {
      return #expect(Bool(false), "no metadata")
    }
    let model = try AttackResult.read(path: path("attack_result.pt")).model
    guard case .orderedDictionary(_, let ours?) = model.archived else {
      return #expect(Bool(false), "no metadata of ours")
    }
    #expect(ours.count == 62 && ours == metadata)
  }

  @Test func writingItAgainChangesNothing() throws {
    let scratch = try ArchiveScratch()
    let result = try AttackResult.read(path: path("attack_result.pt"))
    for arrays in ArchiveArrays.allCases {
      try result.write(to: scratch.path("a.pt"), arrays: arrays)
      #expect(try AttackResult.read(path: scratch.path("a.pt")) == result)
    }
  }

  @Test func handMadeVariantsHoldTheSameModel() throws {
    let genuine = try AttackResult.read(path: path("attack_result.pt"))
    for arrays in ["numpy", "lists"] {
      let variant = try AttackResult.read(
        path: Fixtures.path("writer_reference/attack_result_portable_\(arrays).pt"))
      #expect(variant.model == genuine.model)
      #expect(variant.backdoorTest.originalIndices == genuine.backdoorTest.originalIndices)
      #expect(variant.backdoorTrain?.poisonIndicator == genuine.backdoorTrain?.poisonIndicator)
    }
  }

  @Test(arguments: ["ft", "fst"]) func defencesAreAsRecorded(mode: String) throws {
    let result = try DefenseResult.read(path: path("\(mode)_defense_result.pt"))
    #expect(result.modelName == nil)
    let expected = try expected("\(mode)_expected.json")
    let rows = expected.values.compactMap { $0 as? [[String: Any]] }
      .first { $0.first?["name"] as? String == "conv1.weight" }
    check(result.model, try #require(rows))
  }

  @Test func theArgumentsOfTheRunAreReadInOrder() throws {
    let info = try InfoFile.read(path: path("info.pickle"))
    #expect(info.first?.key == .string("num_workers"))
    #expect(PickleValue.dictionary(info)["pratio"] == .float(0.3))
    #expect(PickleValue.dictionary(info)["terminal_info"]?.items?.isEmpty == false)
  }

  @Test func theMetricsFilesAreRewrittenByteForByte() throws {
    let scratch = try ArchiveScratch()
    let frame = try AttackDataFrame.read(path: path("attack_df.csv"))
    #expect(frame.columns == AttackDataFrame.attackColumns && frame.rows.count == 24)
    try frame.write(to: scratch.path("attack_df.csv"))
    try frame.writeSummary(to: scratch.path("attack_df_summary.csv"))
    for name in ["attack_df.csv", "attack_df_summary.csv"] {
      let genuine = try Data(contentsOf: URL(fileURLWithPath: path(name)))
      #expect(try scratch.content(name) == Array(genuine), "\(name)")
    }
  }
}
