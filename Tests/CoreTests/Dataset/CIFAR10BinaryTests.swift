import Core
import TestSupport
import Testing

@Suite struct CIFAR10BinaryTests {
  /// A record whose red, green and blue planes count up from 0, 1 and 2.
  private func record(label: UInt8) -> [UInt8] {
    [label] + (0..<3).flatMap { plane in (0..<1024).map { UInt8(($0 + plane) % 256) } }
  }

  @Test func planesBecomePixels() throws {
    let scratch = try DataScratch()
    try scratch.write(record(label: 3) + record(label: 9), to: "data_batch_1.bin")
    try scratch.write(record(label: 5), to: "data_batch_4.bin")
    try scratch.write(record(label: 0), to: "test_batch.bin")
    let pair = try CIFAR10.loadBinary(folder: scratch.path)
    #expect(pair.train.labels == [3, 9, 5])
    #expect(pair.test.labels == [0])
    let expected = (0..<1024).flatMap { place in (0..<3).map { UInt8((place + $0) % 256) } }
    #expect(Array(pair.train.pixels[pair.train.range(of: 1)]) == expected)
    #expect(pair.train.classNames[9] == "truck")
  }

  @Test func wrongSizesNameFileExpectedAndFound() throws {
    for count in [0, 3000, 3074] {
      let scratch = try DataScratch()
      let path = try scratch.write(.init(repeating: 0, count: count), to: "data_batch_2.bin")
      try scratch.write(record(label: 0), to: "test_batch.bin")
      let error = #expect(throws: DatasetError.self) {
        try CIFAR10.loadBinary(folder: scratch.path)
      }
      #expect(error == .wrongSize(path: path, bytes: count, record: 3073))
      let text = error?.description ?? ""
      #expect(text.contains(path) && text.contains("3073") && text.contains("\(count) bytes"))
    }
  }

  @Test func labelsAboveNineAreRefused() throws {
    let scratch = try DataScratch()
    try scratch.write(record(label: 0), to: "data_batch_1.bin")
    let path = try scratch.write(record(label: 1) + record(label: 10), to: "test_batch.bin")
    #expect(
      throws: DatasetError.labelOutOfRange(path: path, record: 1, label: 10, classCount: 10)
    ) { try CIFAR10.loadBinary(folder: scratch.path) }
  }

  @Test func missingHalvesAreNamed() throws {
    let scratch = try DataScratch()
    try scratch.write(record(label: 0), to: "data_batch_1.bin")
    let error = #expect(throws: DatasetError.self) {
      try CIFAR10.loadBinary(folder: scratch.path)
    }
    #expect(error?.description.contains("test_batch.bin") == true)
  }
}

@Suite(.enabled(if: Fixtures.available(for: "CIFAR10BinaryFixtureTests")))
struct CIFAR10BinaryFixtureTests {
  @Test func theSubsetHasAThousandAndFiveHundredImages() throws {
    let pair = try DatasetLoader.load(
      name: "cifar10", path: Fixtures.path("cifar10-subset"), seed: 0)
    #expect(pair.train.count == 1000)
    #expect(pair.test.count == 500)
    #expect(Array(pair.test.labels.prefix(12)) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1])
  }
}
