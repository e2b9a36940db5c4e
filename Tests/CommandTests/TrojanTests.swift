import Core
import Foundation
import TestSupport
import Testing

/// trojannn as a user runs it, on forty images.
@Suite struct TrojanTests {
  private static let name = "trojannn_trigger.png"

  private func folder(_ tiny: TinyDataset) -> String {
    "\(tiny.record)/image_folder/trojannn/pratio_0.1-target_0-archi_resnet18"
  }

  private func cleanArchive(_ tiny: TinyDataset) -> String {
    "\(tiny.record)/image_folder/clean/width_4-archi_resnet18/attack_result.pt"
  }

  private func attack(
    _ tiny: TinyDataset, _ more: [String] = [], ranks: Int = 1
  ) throws -> ProcessOutput {
    let arguments = ["attack", "trojannn", "--epochs", "1", "--json"] + tiny.flags + more
    return ranks == 1
      ? try RunProcess.run(TinyDataset.program, arguments)
      : try RunProcess.mpirun(ranks, TinyDataset.program, arguments)
  }

  private func trigger(_ tiny: TinyDataset) -> Data? {
    FileManager.default.contents(atPath: "\(folder(tiny))/\(Self.name)")
  }

  @Test func aCleanModelIsTrainedFirstAndFoundAgain() throws {
    let tiny = try TinyDataset()
    let first = try attack(tiny)
    #expect(first.exitCode == 0, "\(first.standardError)")
    #expect(first.lastJSON?["folder"] as? String == folder(tiny))
    #expect(first.standardError.contains("trojannn needs a clean model: training it in "))
    let clean = try AttackResult.read(path: cleanArchive(tiny))
    #expect(clean.backdoorTrain?.entries.isEmpty ?? true)
    let made = try #require(trigger(tiny))

    let again = try attack(tiny, ["--pratio", "0.2"])
    #expect(again.exitCode == 0, "\(again.standardError)")
    #expect(again.standardError.contains("going on after epoch 1"))
    #expect(!again.standardError.contains("an earlier run stood"))
    let other =
      "\(tiny.record)/image_folder/trojannn/pratio_0.2-target_0-archi_resnet18/\(Self.name)"
    #expect(FileManager.default.contents(atPath: other) == made)
  }

  @Test func evaluateAppliesTheRunsOwnTrigger() throws {
    let tiny = try TinyDataset()
    let run = try attack(tiny)
    let archive = "\(folder(tiny))/attack_result.pt"
    let data = ["--dataset", "image_folder", "--dataset_path", "\(tiny.folder)/data", "--json"]
    let figures = { (output: ProcessOutput) in
      ["attack_successes", "triggered_total"].map { output.lastJSON?[$0] as? Int }
    }
    try FileManager.default.removeItem(atPath: "\(folder(tiny))/bd_test_dataset")
    let anew = try RunProcess.run(
      TinyDataset.program, ["evaluate", archive, "--attack", "trojannn"] + data)
    #expect(figures(anew) == figures(run))
    #expect(figures(anew)[1] == 8)

    try FileManager.default.removeItem(atPath: "\(folder(tiny))/\(Self.name)")
    let without = try RunProcess.run(
      TinyDataset.program, ["evaluate", archive, "--attack", "trojannn"] + data)
    #expect(without.exitCode == 1)
    #expect(without.errorLines.filter { $0.hasPrefix("fst: ") }.count == 1)
    #expect(without.standardError.contains("--attack_trigger_img_path"))
  }

  @Test func tuneReadsTheRun() throws {
    let tiny = try TinyDataset()
    _ = try attack(tiny)
    let tune = try RunProcess.run(
      TinyDataset.program,
      ["tune", "--attack", "trojannn", "--epochs", "1", "--split_ratio", "0.5", "--json"]
        + tiny.flags)
    #expect(tune.exitCode == 0, "\(tune.standardError)")
    #expect((tune.lastJSON?["before"] as? [String: Any])?["triggered_total"] as? Int == 8)
  }

  @Test func allRanksHaveTheSameTrigger() throws {
    let (one, two) = (try TinyDataset(), try TinyDataset())
    #expect(try attack(one).exitCode == 0)
    let clean = cleanArchive(one)
    let alone = try attack(one, ["--clean_model", clean, "--save_folder_name", "alone"])
    let both = try attack(
      two, ["--clean_model", clean, "--save_folder_name", "both", "--check_replicas", "1"],
      ranks: 2)
    #expect(alone.exitCode == 0)
    #expect(both.exitCode == 0, "\(both.standardError)")
    let triggers = ["\(one.record)/alone", "\(two.record)/both"].map {
      FileManager.default.contents(atPath: "\($0)/\(Self.name)")
    }
    #expect(triggers[0] != nil)
    #expect(triggers[0] == triggers[1])
  }

  @Test func aResumedRunKeepsItsTrigger() throws {
    let tiny = try TinyDataset()
    #expect(try attack(tiny, ["--max_steps", "2"]).exitCode == 0)
    let made = try #require(trigger(tiny))
    try FileManager.default.removeItem(
      atPath: (cleanArchive(tiny) as NSString).deletingLastPathComponent)
    let resumed = try attack(tiny, ["--max_steps", "2", "--resume"])
    #expect(resumed.exitCode == 0, "\(resumed.standardError)")
    #expect(!resumed.standardError.contains("needs a clean model"))
    #expect(trigger(tiny) == made)
  }

  @Test(arguments: [1, 2]) func aModelThatDoesNotFitIsOneLine(ranks: Int) throws {
    let tiny = try TinyDataset()
    #expect(try attack(tiny).exitCode == 0)
    let missing = try attack(tiny, ["--clean_model", "/nowhere/attack_result.pt"], ranks: ranks)
    let wider = try attack(
      tiny, ["--clean_model", cleanArchive(tiny), "--width", "8"], ranks: ranks)
    let neurons = try attack(
      tiny, ["--clean_model", cleanArchive(tiny), "--num_neuron", "33"], ranks: ranks)
    let classes = try RunProcess.run(
      TinyDataset.program,
      ["attack", "trojannn", "--dataset", "synthetic", "--clean_model", cleanArchive(tiny)]
        + ["--width", "4", "--record", tiny.record])
    for (output, text) in [
      (missing, "/nowhere/attack_result.pt: no such archive"),
      (wider, "width is 4 in the archive, but 8 was given"),
      (neurons, "num_neuron: expected at most 32"), (classes, "num_classes is 2 in the archive"),
    ] {
      #expect(output.exitCode != 0)
      let said = output.errorLines.filter { $0.hasPrefix("fst: ") }
      #expect(said.count == 1, "\(output.standardError)")
      #expect(said.first?.contains(text) == true, "\(said)")
    }
  }
}
