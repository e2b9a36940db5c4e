import Core
import Foundation
import TestSupport
import Testing

/// `fst trigger` as a user runs it.
@Suite struct TriggerTests {
  private func trigger(
    _ attack: String, _ tiny: TinyDataset, _ more: [String]
  ) throws -> ProcessOutput {
    try RunProcess.run(
      TinyDataset.program,
      ["trigger", attack, "--dataset", "image_folder", "--dataset_path", "\(tiny.folder)/data"]
        + ["--record", tiny.record, "--width", "4"] + more)
  }

  @Test(arguments: [("badnet", 1), ("blended", 5), ("sig", 6)])
  func aPictureIsDrawnAndItsFactorSaid(attack: String, factor: Int) throws {
    let tiny = try TinyDataset()
    let picture = "\(tiny.folder)/\(attack).png"
    let output = try trigger(attack, tiny, ["--out", picture])
    #expect(output.exitCode == 0, "\(output.standardError)")
    let said = output.outputLines.first
    #expect(said?.hasPrefix("rows    original, triggered, difference x ") == true)
    #expect(abs((said?.split(separator: " ").last.flatMap { Int($0) } ?? 0) - factor) <= 1)
    let image = try ImageFile.read(picture)
    #expect((image.width, image.height) == (8 + 8 * (128 + 8), 3 * (22 + 128 + 8)))
  }

  @Test func trojannnsIsTheRunsOrMadeFromACleanModel() throws {
    let tiny = try TinyDataset()
    let (first, second) = ("\(tiny.folder)/a.png", "\(tiny.folder)/b.png")
    let without = try trigger("trojannn", tiny, ["--out", first])
    #expect(without.exitCode == 1)
    #expect(without.errorLines.count == 1)
    #expect(without.standardError.contains("--attack_trigger_img_path"))
    #expect(!FileManager.default.fileExists(atPath: first))
    _ = try RunProcess.run(
      TinyDataset.program, ["attack", "trojannn", "--epochs", "1"] + tiny.flags)
    #expect(try trigger("trojannn", tiny, ["--out", first]).exitCode == 0)
    let clean = "\(tiny.record)/image_folder/clean/width_4-archi_resnet18/attack_result.pt"
    let made = try trigger("trojannn", tiny, ["--out", second, "--clean_model", clean])
    #expect(made.exitCode == 0)
    #expect(made.standardError.contains("neurons "))
    let pictures = [first, second].map { FileManager.default.contents(atPath: $0) }
    #expect(pictures[0] != nil)
    #expect(pictures[0] == pictures[1])
  }

  @Test func mistakesAreOneLine() throws {
    let tiny = try TinyDataset()
    for (more, status, text) in [
      (["--out", "\(tiny.folder)/a.jpg"], Int32(64), "expected a file that ends in .png"),
      (["--out", "/nowhere/a.png"], 1, "/nowhere/a.png"),
      (["--out", "\(tiny.folder)/a.png", "--attack_target", "2"], 64, "attack_target"),
    ] {
      let output = try trigger("badnet", tiny, more)
      #expect(output.exitCode == status)
      #expect(output.errorLines.count == 1)
      #expect(output.standardError.contains(text))
    }
  }
}
