import Core
import Testing

/// What the list of datasets says, and that settings take it.
@Suite struct DatasetKindTests {
  private func flags(_ values: [String: ConfigValue]) -> [ConfigArgument] {
    values.map { ConfigArgument(key: $0.key, value: $0.value) }
  }

  @Test func namesAreDifferentAndClassesAreCounted() {
    #expect(Set(Datasets.all.map(\.name)).count == Datasets.all.count)
    for kind in Datasets.all {
      #expect(kind.classNames.isEmpty || kind.classNames.count == kind.classCount, "\(kind.name)")
      #expect(Datasets.named(kind.name)?.name == kind.name)
    }
    #expect(Datasets.named("gtsrb")?.classNames[14] == "stop")
  }

  @Test(arguments: [
    ("cifar10", 32, 10, "0.4914", "0.247", true), ("cifar100", 32, 100, "0.5071", "0.2673", false),
    ("gtsrb", 32, 43, "0.0", "1.0", false), ("tiny", 64, 200, "0.4802", "0.2302", false),
    ("mnist", 28, 10, "0.5", "0.5", false),
  ])
  func eachHasItsSizeStatisticsAndAugmentation(
    name: String, side: Int, classes: Int, mean: String, deviation: String, flips: Bool
  ) throws {
    let kind = try #require(Datasets.named(name))
    #expect(kind.side == side && kind.classCount == classes)
    #expect("\(kind.normalization.mean[0])" == mean)
    #expect("\(kind.normalization.standardDeviation[0])" == deviation)
    #expect(kind.augmentation == Augmentation(padding: 4, flips: flips))
  }

  @Test(arguments: [
    ("cifar10", 0.01, 10, 0.2, 0.02), ("gtsrb", 0.01, 15, 0.1, 0.02),
    ("cifar100", 0.001, 15, 0.001, 0.05), ("tiny", 0.001, 15, 0.001, 0.05),
    ("synthetic", 0.01, 10, 0.2, 0.02),
  ])
  func tuningHasThePapersDefaultsOfEachAndAFlagWins(
    name: String, rate: Double, epochs: Int, alpha: Double, share: Double
  ) throws {
    let given: [String: ConfigValue] = ["attack": .text("badnet"), "dataset": .text(name)]
    let decoded = try ConfigDecoder.tune(flags: flags(given)).configuration
    #expect(decoded.learningRate == rate && decoded.epochs == epochs)
    #expect(decoded.alpha == alpha && decoded.splitRatio == share)
    let typed: [String: ConfigValue] = [
      "lr": .real(0.5), "epochs": .integer(3), "alpha": .real(0.7), "split_ratio": .real(0.3),
    ]
    let other = try ConfigDecoder.tune(
      flags: flags(given.merging(typed) { first, _ in first })
    ).configuration
    #expect(other.learningRate == 0.5 && other.epochs == 3)
    #expect(other.alpha == 0.7 && other.splitRatio == 0.3)
  }

  @Test func attacksHoldOutTheShareThatTuningTakes() throws {
    let dataset: [String: ConfigValue] = ["dataset": .text("tiny")]
    #expect(try ConfigDecoder.attack(.sig, flags: flags(dataset)).configuration.splitRatio == 0.05)
    #expect(try ConfigDecoder.attack(.sig, flags: []).configuration.splitRatio == 0.02)
  }

  @Test func aTargetMustBeAClassOfTheDataset() throws {
    func decode(_ target: Int) throws {
      _ = try ConfigDecoder.attack(
        .badnet, flags: flags(["dataset": .text("gtsrb"), "attack_target": .integer(target)]))
    }
    try decode(42)
    let error = #expect(throws: ConfigError.self) { try decode(43) }
    #expect(error?.description.contains("a class of gtsrb, 0 to 42") == true)
  }

  @Test func everyDatasetNamesItselfWhereItsFilesAreMissing() throws {
    let scratch = try DataScratch()
    for kind in Datasets.all where kind.needsFiles {
      let error = #expect(throws: DatasetError.self, "\(kind.name)") {
        try DatasetLoader.load(name: kind.name, path: scratch.path, seed: 0)
      }
      let text = error?.description ?? ""
      #expect(text.contains(scratch.path) && !text.contains("\n"))
      #expect(kind.isUsersOwn || text.contains("no files of \(kind.name) in"), "\(text)")
    }
  }

  @Test func recordsAreResizedToo() throws {
    let scratch = try DataScratch()
    let record = [3] + (0..<3072).map { UInt8($0 % 256) }
    try scratch.write(record, to: "data_batch_1.bin")
    try scratch.write(record, to: "test_batch.bin")
    func load(_ side: Int) throws -> LabeledImages {
      try DatasetLoader.load(
        name: "cifar10", path: scratch.path, size: ImageSize(side: side), seed: 0
      ).train
    }
    let image = RGBImage(pixels: try load(32).pixels, width: 32, height: 32)
    let large = try load(48)
    #expect(large.pixels == ImageResize.bilinear(image, width: 48, height: 48).pixels)
    #expect(large.height == 48 && large.labels == [3])
  }
}
