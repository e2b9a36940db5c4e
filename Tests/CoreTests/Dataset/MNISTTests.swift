import Core
import Testing

/// MNIST's idx files: sizes before the values, packed or not.
@Suite struct MNISTTests {
  private func number(_ value: Int) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  private func images(_ count: Int, side: Int = 28) -> [UInt8] {
    number(0x803) + number(count) + number(side) + number(side)
      + (0..<count * side * side).map { UInt8($0 % 251) }
  }

  private func labels(_ values: [UInt8]) -> [UInt8] {
    number(0x801) + number(values.count) + values
  }

  /// Gzip's container around blocks that are not packed.
  private func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
    for start in stride(from: 0, to: bytes.count, by: 60_000) {
      let part = bytes[start..<min(bytes.count, start + 60_000)]
      let size = UInt16(part.count)
      result.append(start + part.count == bytes.count ? 1 : 0)
      for value in [size, ~size] { result += [UInt8(value & 255), UInt8(value >> 8)] }
      result += part
    }
    for value in [crc(bytes), UInt32(bytes.count)] {
      result += [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: value >> $0) }
    }
    return result
  }

  private func crc(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(UInt32.max) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in
        value >> 1 ^ (value & 1 == 1 ? 0xEDB8_8320 : 0)
      }
    }
  }

  private func scratch(below: String = "MNIST/raw", packed: Bool = false) throws -> DataScratch {
    let scratch = try DataScratch()
    for (half, count) in [("train", 100), ("t10k", 2)] {
      let end = packed ? ".gz" : ""
      let values = (0..<count).map { UInt8($0 % 10) }
      let files = [("images-idx3", images(count)), ("labels-idx1", labels(values))]
      for (name, bytes) in files {
        try scratch.write(
          packed ? gzip(bytes) : bytes, to: "\(below)/\(half)-\(name)-ubyte\(end)")
      }
    }
    return scratch
  }

  private func load(_ scratch: DataScratch) throws -> DatasetPair {
    try DatasetLoader.load(name: "mnist", path: scratch.path, seed: 0)
  }

  @Test(arguments: [
    ("MNIST/raw", false), ("MNIST/raw", true), (".", false), ("mnist", true),
    ("mnist/MNIST/raw", false),
  ])
  func greyIsRepeated(below: String, packed: Bool) throws {
    let pair = try load(scratch(below: below, packed: packed))
    #expect(pair.train.count == 100 && pair.test.labels == [0, 1])
    #expect(pair.train.height == 28 && pair.train.width == 28 && pair.train.channels == 3)
    let expected = (784..<1568).flatMap { [UInt8](repeating: UInt8($0 % 251), count: 3) }
    #expect(Array(pair.train.pixels[pair.train.range(of: 1)]) == expected)
  }

  @Test func faultsNameTheFile() throws {
    let wrong: [(String, [UInt8], String)] = [
      ("train-images-idx3-ubyte", labels([1]), "expected 0x803"),
      ("train-images-idx3-ubyte", Array(images(3).dropLast()), "[3, 28, 28], found 2351 bytes"),
      ("train-images-idx3-ubyte", images(3, side: 27), "expected images of 28x28 pixels"),
      ("train-labels-idx1-ubyte", labels([1]), "expected 100 labels, one an image, found 1"),
      ("t10k-labels-idx1-ubyte", labels([1, 10]), "image 1 has label 10"),
    ]
    for (name, bytes, words) in wrong {
      let scratch = try scratch()
      let path = try scratch.write(bytes, to: "MNIST/raw/\(name)")
      let error = #expect(throws: DatasetError.self) { try load(scratch) }
      let text = error?.description ?? ""
      #expect(text.contains(path) && text.contains(words), "\(text)")
    }
  }

  @Test func damagedPackedFilesAreRefused() throws {
    for keep in [9, 5000] {
      let scratch = try scratch(packed: true)
      try scratch.write(
        Array(gzip(images(100)).prefix(keep)), to: "MNIST/raw/train-images-idx3-ubyte.gz")
      let error = #expect(throws: DatasetError.self) { try load(scratch) }
      #expect(error?.description.contains("packed by gzip") == true)
    }
  }
}
