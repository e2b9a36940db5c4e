import Core
import Foundation
import TestSupport
import Testing

/// Models that were trained with other pixel statistics than CIFAR-10's are measured with theirs.
@Suite struct PixelStatisticsTests {
  private func configuration(_ key: String, _ value: ConfigValue) throws -> PixelStatistics {
    try ConfigDecoder.evaluate(
      archive: "x.pt", flags: [ConfigArgument(key: key, value: value)]
    ).configuration.pixelStatistics
  }

  @Test func threeNumbersOneForAllOrNoneAreTaken() throws {
    #expect(try configuration("mean", .text("0.5,0.25,0")).mean == [0.5, 0.25, 0])
    #expect(
      try configuration("mean", .list([.real(0.5), .integer(0), .integer(1)])).mean == [0.5, 0, 1])
    #expect(try configuration("std", .real(0.5)).deviation == [0.5, 0.5, 0.5])
    #expect(try configuration("mean", .text("none")).mean == [0, 0, 0])
    #expect(try configuration("std", .null).deviation == [1, 1, 1])
    #expect(try configuration("mean", .text("imagenet")).mean == [0.485, 0.456, 0.406])
    #expect(try configuration("std", .text("cifar100")).deviation == [0.2673, 0.2564, 0.2762])
    #expect(try configuration("mean", .text("gtsrb")).mean == [0, 0, 0])
    for bad in ["0.5,0.5", "0,1,x", "-0.1", "1,1,1,1", "nan,1,1"] {
      #expect(throws: ConfigError.self) { try configuration("mean", .text(bad)) }
    }
    #expect(throws: ConfigError.self) { try configuration("std", .integer(0)) }
  }

  @Test func evaluatingTakesTheRunsOwnAndAFlagWins() throws {
    let tiny = try TinyDataset()
    let scaled = ["--mean", "none", "--std", "0.1"]
    let made = try RunProcess.run(
      TinyDataset.program, ["attack", "badnet", "--epochs", "2", "--json"] + tiny.flags + scaled)
    #expect(made.exitCode == 0, "\(made.standardError)")
    #expect(!made.standardError.contains("CIFAR-10's mean"))
    let archive = "\(tiny.runFolder)/attack_result.pt"
    func losses(_ more: [String]) throws -> [Int?] {
      let output = try RunProcess.run(
        TinyDataset.program,
        ["evaluate", archive, "--dataset", "image_folder", "--dataset_path", "\(tiny.folder)/data"]
          + ["--json"] + more)
      #expect(output.exitCode == 0, "\(output.standardError)")
      return ["clean_correct", "attack_successes", "robust_correct"].map {
        output.lastJSON?[$0] as? Int
      }
    }
    let own = ["clean_correct", "attack_successes", "robust_correct"].map {
      made.lastJSON?[$0] as? Int
    }
    #expect(try losses([]) == own)
    #expect(try losses(scaled) == own)
    // All pixels alike but for their last bits: one class for all images.
    let flat = try losses(["--std", "1000000"])
    #expect(flat.first == 8)
  }

  @Test func imagesOfNoKnownDatasetAreScaledAsIsSaid() throws {
    let tiny = try TinyDataset()
    let output = try RunProcess.run(
      TinyDataset.program, ["attack", "badnet", "--epochs", "1", "--max_steps", "1"] + tiny.flags)
    #expect(
      output.standardError.contains(
        "pixels are scaled with CIFAR-10's mean 0.4914,0.4822,0.4465 and deviation"))
  }
}
