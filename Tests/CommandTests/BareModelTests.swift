import Core
import Foundation
import TestSupport
import Testing

/// Models without a description: what is asked says what they are.
@Suite struct BareModelTests {
  private let tiny: TinyDataset
  private let bare: String

  init() throws {
    tiny = try TinyDataset()
    bare = "\(tiny.folder)/bare/model.pth"
    let attack = try RunProcess.run(
      TinyDataset.program, ["attack", "badnet", "--epochs", "1"] + tiny.flags)
    #expect(attack.exitCode == 0)
    try FileManager.default.createDirectory(
      atPath: "\(tiny.folder)/bare", withIntermediateDirectories: true)
    let model = try AttackResult.read(path: "\(tiny.runFolder)/attack_result.pt").model
    try DefenseResult(model: model).write(to: bare)
  }

  private func data(_ folder: String) -> [String] {
    ["--dataset", "image_folder", "--dataset_path", folder]
  }

  @Test func theDatasetSaysTheSizeOfTheImages() throws {
    let folder = "\(tiny.folder)/small"
    for (split, name) in [("train", "a"), ("train", "b"), ("test", "a"), ("test", "b")] {
      let place = "\(folder)/\(split)/\(name)"
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      let pixels = Data((0..<(16 * 16 * 3)).map { UInt8($0 % 251) })
      try (Data("P6 16 16 255\n".utf8) + pixels).write(
        to: URL(fileURLWithPath: "\(place)/0.ppm"))
    }
    let output = try RunProcess.run(
      TinyDataset.program, ["evaluate", bare, "--attack", "badnet", "--json"] + data(folder))
    #expect(output.exitCode == 0, "\(output.standardError)")
    #expect(output.lastJSON?["clean_total"] as? Int == 2)
    #expect(output.lastJSON?["triggered_total"] as? Int == 1)
  }

  @Test func tuningAppliesTheTriggerAnew() throws {
    let patch = "\(tiny.folder)/patch.ppm"
    try (Data("P6 32 32 255\n".utf8) + Data(repeating: 255, count: 3072)).write(
      to: URL(fileURLWithPath: patch))
    let common = data("\(tiny.folder)/data") + ["--attack", "badnet", "--json"]
    for trigger in [[], ["--patch_mask_path", patch]] {
      let evaluate = try RunProcess.run(
        TinyDataset.program, ["evaluate", bare] + common + trigger)
      let tune = try RunProcess.run(
        TinyDataset.program,
        ["tune", "--result", bare, "--epochs", "1", "--split_ratio", "0.5"] + common + trigger)
      #expect(tune.exitCode == 0, "\(tune.standardError)")
      let before = tune.lastJSON?["before"] as? [String: Any]
      for key in ["attack_successes", "robust_correct", "triggered_total", "clean_correct"] {
        let expected = evaluate.lastJSON?[key] as? Int
        #expect(expected != nil && before?[key] as? Int == expected, "\(key)")
      }
    }
  }

  @Test func aHeadOfAnotherNameIsFoundByIt() throws {
    var model = try DefenseResult.read(path: bare).model
    for index in model.entries.indices where model.entries[index].name.hasPrefix("linear.") {
      model.entries[index].name = "classifier." + model.entries[index].name.dropFirst(7)
    }
    try DefenseResult(model: model).write(to: bare)
    func tune(_ name: String) throws -> ProcessOutput {
      try RunProcess.run(
        TinyDataset.program,
        ["tune", "--result", bare, "--epochs", "1", "--split_ratio", "0.5", "--linear_name", name]
          + data("\(tiny.folder)/data"))
    }
    #expect(try tune("classifier").exitCode == 0)
    let wrong = try tune("fc")
    #expect(wrong.exitCode == 1)
    #expect(wrong.standardError.contains("'classifier', found 'fc'"))
  }
}

/// A test set of the target's class alone: nothing can be triggered, and no rate is made of that.
@Suite struct NoTriggeredImagesTests {
  @Test func ratesWithoutImagesAreNone() throws {
    let tiny = try TinyDataset()
    let data = "\(tiny.folder)/cifar"
    try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
    for (name, labels) in [("data_batch_1", Array(0..<10)), ("test_batch", [0, 0, 0])] {
      let images = labels.map { label in
        Data([UInt8(label)]) + Data((0..<3072).map { UInt8(($0 + 20 * label) % 251) })
      }
      try images.reduce(Data(), +).write(to: URL(fileURLWithPath: "\(data)/\(name).bin"))
    }
    let attack = try RunProcess.run(
      TinyDataset.program,
      ["attack", "badnet", "--dataset_path", data, "--record", tiny.record, "--width", "1"]
        + ["--epochs", "1", "--batch_size", "5", "--json"])
    let folder = try #require(attack.lastJSON?["folder"] as? String)
    let archive = "\(folder)/attack_result.pt"
    let evaluate = try RunProcess.run(TinyDataset.program, ["evaluate", archive, "--json"])
    let anew = try RunProcess.run(
      TinyDataset.program, ["evaluate", archive, "--attack", "badnet", "--json"])
    let tune = try RunProcess.run(
      TinyDataset.program,
      ["tune", "--result", archive, "--epochs", "1", "--split_ratio", "1", "--json"])
    for (output, figures) in [
      (attack, attack.lastJSON), (evaluate, evaluate.lastJSON), (anew, anew.lastJSON),
      (tune, tune.lastJSON?["after"] as? [String: Any]),
    ] {
      #expect(output.exitCode == 0, "\(output.standardError)")
      #expect(figures?["attack_success_rate"] is NSNull)
      #expect(figures?["robust_accuracy"] is NSNull)
      #expect(figures?["clean_total"] as? Int == 3)
    }
    let table = try RunProcess.run(TinyDataset.program, ["evaluate", archive])
    #expect(table.outputLines.contains { $0.hasPrefix("ASR     - ") }, "\(table.outputLines)")
  }
}
