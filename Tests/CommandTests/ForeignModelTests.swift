import Core
import Foundation
import TestSupport
import Testing

/// Each network through all commands, and models that other programs trained and saved.
@Suite struct ForeignModelTests {
  private let tiny: TinyDataset

  init() throws { tiny = try TinyDataset() }

  private var data: [String] {
    ["--dataset", "image_folder", "--dataset_path", "\(tiny.folder)/data", "--threads", "1"]
  }

  private func run(_ arguments: [String]) throws -> ProcessOutput {
    let output = try RunProcess.run(TinyDataset.program, arguments)
    #expect(output.exitCode == 0, "\(arguments): \(output.standardError)")
    return output
  }

  /// A model of `kind` of width 1 in the form `wrap` gives it; its tensors under our names.
  private func model(
    _ kind: NetworkKind, _ name: String, names: (String) -> String = { $0 },
    wrap: (PickleValue) -> PickleValue = { $0 }
  ) throws -> String {
    let network = Network(
      kind, width: 1, classCount: 2,
      inputShape: .init(batch: 0, height: 32, width: 32, channels: 3))
    Initializer.initialize(network, seed: 3)
    let state = network.store.stateDict()
    let theirs = StateDict(
      state.entries.map { .init(name: names($0.name), shape: $0.shape, values: $0.values) })
    try FileManager.default.createDirectory(
      atPath: "\(tiny.folder)/models", withIntermediateDirectories: true)
    try TorchArchive.write(wrap(theirs.archived), to: "\(tiny.folder)/models/\(name)")
    return "\(tiny.folder)/models/\(name)"
  }

  @Test(arguments: ["vgg19_bn", "torchvision_resnet18", "mobilenet_v3_large"])
  func anyNetworkIsAttackedTunedAndEvaluated(name: String) throws {
    let kind = try #require(NetworkKind(rawValue: name))
    let attack = try run(
      ["attack", "badnet", "--model", name, "--epochs", "1", "--json"] + tiny.flags
        + ["--width", "1"])
    let folder = try #require(attack.lastJSON?["folder"] as? String)
    let archive = "\(folder)/attack_result.pt"
    #expect(try AttackResult.read(path: archive).modelName == kind.archiveName)
    let evaluate = try run(["evaluate", archive, "--json"])
    for key in ["clean_correct", "attack_successes"] {
      #expect(evaluate.lastJSON?[key] as? Int == attack.lastJSON?[key] as? Int)
    }
    // The originals' name of it serves too.
    let tune = try run(
      ["tune", "--result", folder, "--model", kind.archiveName, "--ft_mode", "fst", "--save"]
        + ["--epochs", "1", "--split_ratio", "0.5", "--linear_name", kind.headName, "--json"])
    let after = tune.lastJSON?["after"] as? [String: Any]
    let purified = try run(["evaluate", "\(folder)/defense/fst/defense_result.pt", "--json"])
    #expect(purified.lastJSON?["clean_correct"] as? Int == after?["clean_correct"] as? Int)
  }

  @Test func aPurifiedModelHasTheNamesThatItCameWith() throws {
    let path = try model(
      .resnet18, "ckpt.pth",
      names: {
        "module."
          + $0.replacingOccurrences(of: "shortcut", with: "downsample")
          .replacingOccurrences(of: "linear", with: "fc")
      }, wrap: { .dictionary([.init("acc", .float(91.2)), .init("net", $0)]) })
    let tune = try run(
      ["tune", "--result", path, "--attack", "badnet", "--epochs", "1", "--split_ratio", "0.5"]
        + ["--save", "--json"] + data)
    #expect(tune.standardError.contains("--stem_pool"))
    let result = "\(tiny.folder)/models/defense/fst/defense_result.pt"
    let (there, came) = (
      try DefenseResult.read(path: result).model, try DefenseResult.read(path: path).model
    )
    #expect(there.entries.map(\.name) == came.entries.map(\.name))
    #expect(there != came)
    let evaluate = try run(["evaluate", result, "--json"] + data)
    let after = tune.lastJSON?["after"] as? [String: Any]
    #expect(evaluate.lastJSON?["clean_correct"] as? Int == after?["clean_correct"] as? Int)
  }

  @Test func whatTensorsCannotSayIsSaid() throws {
    let plain = try model(.resnet18, "plain.pth")
    let output = try run(["evaluate", plain] + data)
    #expect(
      output.standardError.contains(
        "classes in that order, pixels with mean 0.4914,0.4822,0.4465 and deviation"))
    #expect(!output.standardError.contains("does not say whether a max-pool"))
    #expect(output.standardError.contains("is near guessing (50.0%)"))
    let open = try model(
      .resnet18, "open.pth", names: { $0.replacingOccurrences(of: "shortcut", with: "downsample") })
    #expect(
      try run(["evaluate", open] + data).standardError.contains(
        "do not say whether a max-pool follows"))
    let pooled = try run(["evaluate", open, "--stem_pool"] + data)
    #expect(!pooled.standardError.contains("do not say whether a max-pool follows"))
    let vgg = try model(.vgg19BN, "vgg.pth")
    let refused = try RunProcess.run(
      TinyDataset.program, ["evaluate", vgg, "--stem_pool"] + data)
    #expect(refused.exitCode == 1)
    #expect(refused.errorLines.last?.contains("stem_pool: expected a network whose") == true)
  }

  @Test func imagesTooSmallForANetworkAreOneLine() throws {
    for (split, name) in [("train", "a"), ("train", "b"), ("test", "a"), ("test", "b")] {
      let place = "\(tiny.folder)/small/\(split)/\(name)"
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      try (Data("P6 16 16 255\n".utf8) + Data(repeating: 9, count: 768)).write(
        to: URL(fileURLWithPath: "\(place)/0.ppm"))
    }
    let small = ["--dataset", "image_folder", "--dataset_path", "\(tiny.folder)/small"]
    let vgg = try model(.vgg19BN, "vgg.pth")
    for arguments in [
      ["evaluate", vgg] + small,
      ["attack", "badnet", "--model", "vgg19_bn", "--width", "1", "--record", tiny.record] + small,
    ] {
      let output = try RunProcess.run(TinyDataset.program, arguments)
      #expect(output.exitCode == 1)
      #expect(
        output.errorLines.last
          == "fst: model: vgg19_bn expected images of at least 32x32, found 16x16")
    }
  }
}
