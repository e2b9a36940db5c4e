import Core
import Foundation
import TestSupport
import Testing

/// What commands take from an archive of another dataset than the usual one.
@Suite struct DatasetCommandTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("datasets-\(UUID().uuidString)").path

  private func write(_ bytes: [UInt8], to name: String) throws {
    let file = URL(fileURLWithPath: "\(folder)/\(name)")
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
  }

  /// The last line of JSON that the program prints.
  private func run(_ arguments: [String]) throws -> [String: Any]? {
    let output = try RunProcess.run(
      TinyDataset.program, arguments + ["--threads", "1", "--json"])
    #expect(output.exitCode == 0, "\(output.standardError)")
    return output.lastJSON
  }

  private let small = ["--width", "1", "--epochs", "1", "--max_steps", "1", "--batch_size", "4"]

  @Test func aTuningHasTheDatasetOfItsArchiveAndItsDefaults() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var records: [UInt8] = []
    for index in 0..<20 {
      records += [0, UInt8(index * 5)]
      for place in 0..<3072 { records.append(UInt8((place + index * 7) % 256)) }
    }
    try write(records, to: "cifar-100-binary/train.bin")
    try write(records, to: "cifar-100-binary/test.bin")
    let data = ["--dataset_path", folder]
    let attack = try run(
      ["attack", "badnet", "--dataset", "cifar100", "--record", "\(folder)/record"] + data + small)
    let run = try #require(attack?["folder"] as? String)
    let archive = try AttackResult.read(path: "\(run)/attack_result.pt")
    #expect(archive.numClasses == 100 && archive.cleanData == "cifar100")
    #expect(archive.imageSize == [32, 32, 3])
    let noted = try InfoFile.read(path: "\(run)/info.pickle")
    #expect("\(noted.last { $0.key.text == "pixel_mean" }?.value as Any)".contains("0.5071"))
    _ = try self.run(
      ["tune", "--result", run, "--max_steps", "1", "--batch_size", "4", "--lr", "0.5", "--save"]
        + data)
    let given = try InfoFile.read(path: "\(run)/defense/fst/info.pickle")
    func number(_ key: String) -> Double? { given.last { $0.key.text == key }?.value.number }
    #expect(given.last { $0.key.text == "dataset" }?.value.text == "cifar100")
    #expect(number("alpha") == 0.001 && number("epochs") == 15 && number("split_ratio") == 0.05)
    #expect(number("lr") == 0.5)
  }

  @Test func anEvaluationHasTheSizeOfItsArchive() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for (index, side) in [9, 16, 30, 40].enumerated() {
      for split in ["train", "val"] {
        let pixels = (0..<side * side * 3).map { UInt8(($0 + index * 9) % 256) }
        try write(
          Array("P6 \(side) \(side) 255\n".utf8) + pixels,
          to: "data/\(split)/\(index % 2)/\(index).ppm")
      }
    }
    let data = ["--dataset_path", "\(folder)/data"]
    let attack = try run(
      ["attack", "badnet", "--dataset", "image_folder", "--img_size", "16", "--record"]
        + ["\(folder)/record"] + data + small)
    let archive = "\(try #require(attack?["folder"] as? String))/attack_result.pt"
    #expect(try AttackResult.read(path: archive).imageSize == [16, 16, 3])
    let output = try run(["evaluate", archive] + data)
    #expect(output?["clean_total"] as? Int == 4)
    #expect(output?["clean_correct"] as? Int == attack?["clean_correct"] as? Int)
  }
}
