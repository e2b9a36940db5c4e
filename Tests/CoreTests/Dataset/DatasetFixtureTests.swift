import Core
import Foundation
import TestSupport
import Testing

/// Each layout against the pixels and labels that Python reads from it.
@Suite(.enabled(if: Fixtures.available(for: "DatasetFixtureTests")))
struct DatasetFixtureTests {
  private static let folder = "datasets"

  private func array(_ name: String) throws -> NumpyArray {
    try NumpyFile.read(Fixtures.path("\(Self.folder)/\(name)"))
  }

  private func load(_ name: String, _ below: String, side: Int? = nil) throws -> DatasetPair {
    try DatasetLoader.load(
      name: name, path: Fixtures.path("\(Self.folder)/\(below)"),
      size: side.map { ImageSize(side: $0) }, seed: 0)
  }

  @Test(arguments: ["cifar-100-binary", "cifar-100-python", "cifar-100-python3", "."])
  func cifar100(below: String) throws {
    let pair = try load("cifar100", below)
    #expect(pair.train.pixels == (try array("cifar100_train_u8_nhwc.npy").bytes))
    #expect(pair.test.pixels == (try array("cifar100_test_u8_nhwc.npy").bytes))
    #expect(pair.test.labels == [3, 99, 0, 24, 31, 38, 45, 52, 59, 66])
  }

  @Test(arguments: ["GTSRB", "gtsrb-backdoorbench", "."]) func gtsrb(below: String) throws {
    let pair = try load("gtsrb", below)
    #expect(pair.train.pixels == (try array("gtsrb_train_resized32_u8_nhwc.npy").bytes))
    #expect(pair.test.pixels == (try array("gtsrb_test_resized32_u8_nhwc.npy").bytes))
    #expect(pair.train.labels == [0, 0, 1, 1, 14, 14] && pair.test.labels == [14, 1, 0])
  }

  @Test(arguments: ["tiny-imagenet-200", "tiny-backdoorbench", "."])
  func tiny(below: String) throws {
    let pair = try load("tiny", below)
    #expect(pair.train.pixels == (try array("tiny_train_u8_nhwc.npy").bytes))
    // The array is in the order of the annotations, ours class by class.
    let pictures = try array("tiny_val_u8_nhwc.npy").bytes
    let size = 64 * 64 * 3
    let expected = [1, 0, 2].flatMap { (index: Int) -> [UInt8] in
      Array(pictures[index * size..<(index + 1) * size])
    }
    #expect(pair.test.pixels == expected)
    #expect(pair.train.labels == [0, 0, 1, 1] && pair.test.labels == [0, 1, 1])
    #expect(
      try load("tiny", below, side: 32).train.pixels
        == array("tiny_train_resized32_u8_nhwc.npy").bytes)
  }

  @Test(arguments: ["MNIST", "MNIST/raw", "."]) func mnist(below: String) throws {
    let pair = try load("mnist", below)
    let grey = try array("mnist_train_u8_nhw.npy").bytes
    let expected = grey.flatMap { [UInt8](repeating: $0, count: 3) }
    #expect(pair.train.pixels == expected)
    #expect(pair.train.labels == [1, 4, 7, 0] && pair.test.labels == [1, 4])
  }

  @Test(arguments: 0..<9) func picturesResizeToPillowsBytes(index: Int) throws {
    let input = try array("resize_\(index)_in.npy")
    let image = RGBImage(pixels: input.bytes, width: input.shape[1], height: input.shape[0])
    guard index != 7 else {
      let large = ImageResize.bilinear(image, width: 224, height: 224)
      #expect(
        sha256(large.pixels)
          == "7a5d025b715b1549c2878a5121d7e923c39d0c91562483930a07b9f61e581353")
      return
    }
    let output = try array("resize_\(index)_out.npy")
    let resized = ImageResize.bilinear(image, width: output.shape[1], height: output.shape[0])
    #expect(resized.pixels == output.bytes)
  }

  @Test(arguments: [64, 224]) func badnetsMaskIsResized(side: Int) throws {
    var pixels = [UInt8](repeating: 0, count: side * side * 3)
    pixels.withUnsafeMutableBufferPointer {
      BadNetTrigger(height: side, width: side)
        .apply(to: $0, height: side, width: side, image: TriggeredImage(split: .train))
    }
    let grey = try array("badnet_mask_\(side)_u8.npy").bytes
    let expected = grey.flatMap { [UInt8](repeating: $0, count: 3) }
    #expect(pixels == expected)
  }
}
