import Core
import Testing

/// CIFAR-100's fine labels: the second byte of a record.
@Suite struct CIFAR100Tests {
  private func record(coarse: UInt8, fine: UInt8) -> [UInt8] {
    [coarse, fine] + (0..<3072).map { UInt8($0 / 1024 * 3 + $0 % 8) }
  }

  @Test(arguments: ["", "cifar100/", "cifar-100-binary/", "cifar100/cifar-100-binary/"])
  func theFineLabelCounts(below: String) throws {
    let scratch = try DataScratch()
    try scratch.write(
      record(coarse: 4, fine: 99) + record(coarse: 19, fine: 0), to: "\(below)train.bin")
    try scratch.write(record(coarse: 1, fine: 50), to: "\(below)test.bin")
    let pair = try DatasetLoader.load(name: "cifar100", path: scratch.path, seed: 0)
    #expect(pair.train.labels == [99, 0] && pair.test.labels == [50])
    #expect(pair.train.classNames[99] == "worm" && pair.train.classCount == 100)
    #expect(Array(pair.train.pixels.prefix(6)) == [0, 3, 6, 1, 4, 7])
  }

  @Test func cutOffFilesSayWhatARecordIs() throws {
    let scratch = try DataScratch()
    try scratch.write(record(coarse: 0, fine: 1), to: "train.bin")
    let path = try scratch.write(.init(repeating: 0, count: 3073), to: "test.bin")
    let error = #expect(throws: DatasetError.self) {
      try DatasetLoader.load(name: "cifar100", path: scratch.path, seed: 0)
    }
    #expect(error == .wrongSize(path: path, bytes: 3073, record: 3074))
    #expect(error?.description.contains("3074 bytes (2 of labels") == true)
  }
}
