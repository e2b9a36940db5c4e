import Core
import Distributed
import Foundation
import TestSupport
import Testing

/// What an archive is measured on: its own data and images, whatever its name and its neighbours.
@Suite struct ArchiveMeaningTests {
  private let tiny: TinyDataset

  init() throws {
    tiny = try TinyDataset()
    _ = try Self.run(["attack", "badnet", "--epochs", "1"] + tiny.flags)
  }

  @discardableResult
  private static func run(_ arguments: [String], expecting status: Int32 = 0) throws
    -> ProcessOutput
  {
    let output = try RunProcess.run(TinyDataset.program, arguments)
    #expect(output.exitCode == status, "\(arguments): \(output.standardError)")
    return output
  }

  /// The counts of a JSON object, in the order clean, attack successes, robust, triggered images.
  private static func counts(_ object: Any?) -> [Int?] {
    let figures = object as? [String: Any]
    return ["clean_correct", "attack_successes", "robust_correct", "triggered_total"]
      .map { figures?[$0] as? Int }
  }

  private var archive: String { "\(tiny.runFolder)/attack_result.pt" }
  private var data: [String] {
    ["--dataset", "image_folder", "--dataset_path", "\(tiny.folder)/data"]
  }

  private func copy(_ from: String, to: String) throws {
    try FileManager.default.createDirectory(
      atPath: String(to.prefix(upTo: to.lastIndex(of: "/") ?? to.startIndex)),
      withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: from, toPath: to)
  }

  /// A second run, on images of its own and for class 1, whose archive lies beside the first one's.
  private func neighbour() throws -> (tiny: TinyDataset, archive: String) {
    let other = try TinyDataset()
    let made = try Self.run(
      ["attack", "blended", "--epochs", "1", "--attack_target", "1", "--json"]
        + ["--archive_paths", "absolute"] + other.flags)
    let folder = try #require(made.lastJSON?["folder"] as? String)
    let path = "\(tiny.runFolder)/blended.pt"
    try copy("\(folder)/attack_result.pt", to: path)
    try FileManager.default.removeItem(atPath: "\(tiny.folder)/data")
    return (other, path)
  }

  @Test func anArchiveBesideAnotherOneIsMeasuredOnItsOwnData() throws {
    let (other, path) = try neighbour()
    let plain = try Self.run(["evaluate", path, "--json"])
    #expect(plain.lastJSON?["clean_total"] as? Int == 16)
    #expect(plain.lastJSON?["attack_success_rate"] is NSNull)
    #expect(plain.standardError.contains("bd_test_dataset is of the attack_result.pt beside it"))
    let alone = "\(other.folder)/alone/blended.pt"
    try copy(path, to: alone)
    for attack in [["--attack", "blended"], ["--attack", "blended", "--attack_target", "1"]] {
      let beside = try Self.run(["evaluate", path, "--json"] + attack)
      let apart = try Self.run(["evaluate", alone, "--json"] + attack)
      #expect(Self.counts(beside.lastJSON) == Self.counts(apart.lastJSON))
      #expect(beside.lastJSON?["triggered_total"] as? Int == 8)
    }
    let sheet = try Self.run(
      ["tsne", path, "--out", "\(tiny.folder)/a.svg", "--perplexity", "2", "--json"])
    let panel = (sheet.lastJSON?["archives"] as? [[String: Any]])?.first
    #expect(panel?["title"] as? String == "blended.pt")
    #expect(panel?["triggered_points"] as? Int == 0)
  }

  @Test func aTuningOfAnArchiveBesideAnotherOneIsDescribedByIt() throws {
    let (other, path) = try neighbour()
    defer { withExtendedLifetime(other) {} }
    let tune = try Self.run(
      ["tune", "--result", path, "--attack", "blended", "--epochs", "1", "--split_ratio", "0.5"]
        + ["--ft_mode", "ft", "--save", "--json", "--threads", "1"])
    let before = try Self.run(["evaluate", path, "--attack", "blended", "--json"])
    #expect(Self.counts(tune.lastJSON?["before"]) == Self.counts(before.lastJSON))
    let result = "\(tiny.runFolder)/defense/ft/defense_result.pt"
    let after = try Self.run(["evaluate", result, "--attack", "blended", "--json"])
    #expect(Self.counts(tune.lastJSON?["after"]) == Self.counts(after.lastJSON))
    #expect(after.standardError.contains("are from \(path)"))
  }

  @Test func aDefencesResultIsDescribedByItsAttacksArchiveAndSaysSo() throws {
    let tune = try Self.run(
      ["tune", "--result", archive, "--epochs", "1", "--split_ratio", "0.5", "--save", "--json"])
    let result = "\(tiny.runFolder)/defense/fst/defense_result.pt"
    let evaluate = try Self.run(["evaluate", result, "--json"])
    #expect(Self.counts(tune.lastJSON?["after"]) == Self.counts(evaluate.lastJSON))
    #expect(evaluate.standardError.contains("are from \(archive)"))
  }

  @Test func otherImagesThanTheArchivesAreNotMeasured() throws {
    let folder = "\(tiny.runFolder)/bd_test_dataset/1"
    let first = try #require(FileManager.default.contentsOfDirectory(atPath: folder).first)
    try FileManager.default.removeItem(atPath: "\(folder)/\(first)")
    let evaluate = try Self.run(["evaluate", archive, "--json"])
    #expect(evaluate.lastJSON?["attack_success_rate"] is NSNull)
    #expect(evaluate.standardError.contains("it has no 1/\(first)"))
  }

  /// The count of another target by the library's own parts, of a model that takes all for class 0.
  @Test func anotherTargetIsMeasuredOnItsOwnImages() throws {
    var attacked = try AttackResult.read(path: archive)
    let bias = try #require(attacked.model.entries.firstIndex { $0.name == "linear.bias" })
    attacked.model.entries[bias].values = .float32([100, -100])
    try attacked.write(to: archive)
    let model = attacked.model
    let network = Network(
      .resnet18, width: 4, classCount: 2,
      inputShape: Shape(batch: 0, height: 32, width: 32, channels: 3))
    try network.store.load(model)
    let test = try DatasetLoader.load(
      name: "image_folder", path: "\(tiny.folder)/data", seed: 0
    ).test
    for target in [0, 1] {
      let triggered = PoisonedDataset.test(
        test, trigger: BadNetTrigger(height: 32, width: 32), labels: .allToOne(target: target))
      let result = try Evaluator(
        model: network, batchSize: 16, normalization: .cifar10,
        communicator: SoloCommunicator(), context: ComputeContext(threads: 1),
        observer: Silent()
      ).run(triggered.images, originalLabels: triggered.originalLabels)
      let evaluate = try Self.run(
        ["evaluate", archive, "--attack", "badnet", "--attack_target", "\(target)", "--json"])
      #expect(
        Self.counts(evaluate.lastJSON).dropFirst()
          == [Int(result.matches), Int(result.originalMatches), 8])
    }
  }

  @Test func flagsThatContradictTheArchiveAreRefused() throws {
    let evaluate = ["evaluate", archive]
    let tune = ["tune", "--result", archive, "--epochs", "1"]
    let cases: [(arguments: [String], status: Int32, said: String)] = [
      (evaluate + ["--attack_target", "1"], 1, "of target 0, but of target 1 was given"),
      (evaluate + ["--attack_label_trans", "all2all"], 1, "but all2all was given"),
      (evaluate + ["--sig_f", "2"], 64, "--sig_f: expected --attack too"),
      (evaluate + ["--attack", "badnet", "--attack_target", "2"], 64, "attack_target"),
      (tune + ["--dataset", "synthetic"], 1, "clean_data is image_folder in the archive"),
      (tune + ["--dataset", "cifar10"] + data.suffix(2), 1, "but cifar10 was given"),
      (tune + ["--attack", "blended"], 1, "attack is badnet in the archive"),
      (tune + ["--attack_target", "1"], 1, "attack_target is 0 in the archive"),
      (tune + ["--sig_f", "2"], 64, "--attack is missing"),
      (tune + ["--linear_name", "fc"], 1, "linear_name: expected the name of the head layer"),
      (tune + ["--linear_name", "lin"], 1, "'linear', found 'lin'"),
    ]
    for (arguments, status, said) in cases {
      let output = try Self.run(arguments, expecting: status)
      #expect(output.standardOutput.isEmpty)
      let lines = output.errorLines.filter { $0.hasPrefix("fst: ") }
      #expect(lines.count == 1 && lines[0].contains(said), "\(arguments): \(lines)")
    }
  }

  @Test func anotherDatasetHasNotTheArchivesTriggeredImages() throws {
    // Two classes of 32x32, as the archive has, under another dataset's name.
    var archive = try AttackResult.read(path: archive)
    archive.cleanData = "synthetic"
    try archive.write(to: self.archive)
    let evaluate = try Self.run(["evaluate", self.archive, "--json"] + data)
    #expect(evaluate.lastJSON?["clean_total"] as? Int == 16)
    #expect(evaluate.lastJSON?["attack_success_rate"] is NSNull)
    #expect(evaluate.standardError.contains("triggered images are of synthetic"))
  }

  @Test func tuningTakesWhatTheArchiveSays() throws {
    let given = try Self.run(
      ["tune", "--attack", "badnet", "--epochs", "1", "--split_ratio", "0.5", "--json"]
        + tiny.flags)
    let taken = try Self.run(
      ["tune", "--result", tiny.runFolder, "--epochs", "1", "--split_ratio", "0.5"]
        + ["--batch_size", "10", "--threads", "1", "--json"])
    for key in ["before", "after"] {
      #expect(Self.counts(given.lastJSON?[key]) == Self.counts(taken.lastJSON?[key]))
    }
    #expect(taken.lastJSON?["folder"] as? String == nil)
    let table = try Self.run(
      ["tune", "--result", tiny.runFolder, "--epochs", "1", "--split_ratio", "0.5"])
    #expect(!table.outputLines.contains { $0.hasPrefix("folder") })
  }
}

/// Takes no note of anything.
private struct Silent: TrainingObserver {
  func observe(_ event: TrainingEvent) {}
}
