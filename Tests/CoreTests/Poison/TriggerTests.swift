import Core
import Foundation
import TestSupport
import Testing

/// `image` after `trigger`.
private func triggered(
  _ image: RGBImage, by trigger: any Trigger, split: DatasetSplit = .train
) -> RGBImage {
  var pixels = image.pixels
  pixels.withUnsafeMutableBufferPointer {
    trigger.apply(to: $0, height: image.height, width: image.width, split: split)
  }
  return RGBImage(pixels: pixels, width: image.width, height: image.height)
}

@Suite struct BadNetTriggerTests {
  @Test func theDefaultIsAWhiteSquareAtRowsAndColumns29To31() {
    let image = formulaImage(width: 32, height: 32)
    let result = triggered(image, by: BadNetTrigger(height: 32, width: 32))
    for y in 0..<32 {
      for x in 0..<32 {
        for place in (y * 32 + x) * 3..<(y * 32 + x + 1) * 3 {
          #expect(result.pixels[place] == (y >= 29 && x >= 29 ? 255 : image.pixels[place]))
        }
      }
    }
  }

  /// The 3x3 square of a mask of 32x32 grows with the mask, as a picture that is resized: with a
  /// rim of grey.
  @Test func theSquareIsResizedWithItsMask() {
    for (side, expected) in [(8, 3), (16, 4), (28, 9), (64, 49), (224, 576)] {
      let black = RGBImage(
        pixels: .init(repeating: 0, count: side * side * 3), width: side, height: side)
      let result = triggered(black, by: BadNetTrigger(height: side, width: side))
      #expect(result.pixels.count { $0 > 0 } == expected * 3, "\(side)")
    }
    let black = RGBImage(pixels: .init(repeating: 0, count: 64 * 64 * 3), width: 64, height: 64)
    let result = triggered(black, by: BadNetTrigger(height: 64, width: 64))
    let lastRow = result.pixels.suffix(7 * 3).enumerated().filter { $0.offset % 3 == 0 }
    #expect(lastRow.map(\.element) == [64, 191, 255, 255, 255, 255, 255])
  }

  @Test func blackOfAPatchIsTransparentValueByValue() {
    let patch = RGBImage(pixels: [0, 7, 0, 9, 0, 1], width: 2, height: 1)
    let image = RGBImage(pixels: [10, 20, 30, 40, 50, 60], width: 2, height: 1)
    let result = triggered(image, by: BadNetTrigger(patch: patch, height: 1, width: 2))
    #expect(result.pixels == [10, 7, 30, 9, 50, 1])
  }
}

@Suite struct BlendedTriggerTests {
  @Test func mixturesHaveTheOriginalsBits() throws {
    let steps = stride(from: 0, through: 255, by: 3).map { UInt8($0) }
    for golden in try ImageGoldens.load().blended {
      let side = steps.count
      let gray = { (value: UInt8) in [value, value, value] }
      let image = RGBImage(
        pixels: steps.flatMap { value in (0..<side).flatMap { _ in gray(value) } }, width: side,
        height: side)
      let pattern = RGBImage(
        pixels: (0..<side).flatMap { _ in steps.flatMap(gray) }, width: side, height: side)
      let trigger = BlendedTrigger(
        pattern: pattern, height: side, width: side, trainAlpha: golden.alpha)
      let result = triggered(image, by: trigger)
      let expected = golden.pixels.flatMap(gray)
      #expect(result.pixels == expected, "alpha \(golden.alpha)")
    }
  }

  @Test func eachSplitHasItsOwnWeight() {
    let black = RGBImage(pixels: [0, 0, 0], width: 1, height: 1)
    let white = RGBImage(pixels: [255, 255, 255], width: 1, height: 1)
    let trigger = BlendedTrigger(
      pattern: white, height: 1, width: 1, trainAlpha: 0, testAlpha: 1)
    #expect(triggered(black, by: trigger, split: .train) == black)
    #expect(triggered(black, by: trigger, split: .test) == white)
  }

  @Test func anyPictureIsResizedToTheImages() {
    let pattern = formulaImage(width: 61, height: 47)
    let trigger = BlendedTrigger(pattern: pattern, height: 32, width: 32, trainAlpha: 1)
    let result = triggered(formulaImage(width: 32, height: 32), by: trigger)
    #expect(result == ImageResize.bilinear(pattern, width: 32, height: 32))
  }

  @Test func theDefaultPatternUsesTheWholeRange() {
    let pattern = BlendedTrigger.defaultPattern(height: 32, width: 32)
    for channel in 0..<3 {
      let values = stride(from: channel, to: pattern.pixels.count, by: 3).map { pattern.pixels[$0] }
      #expect((values.min() ?? 255) < 10 && (values.max() ?? 0) > 245)
    }
  }
}

@Suite struct SinusoidalTriggerTests {
  @Test func wavesHaveTheOriginalsBits() throws {
    for golden in try ImageGoldens.load().sinusoidal {
      let rows = stride(from: 0, through: 255, by: 3).map { UInt8($0) }
      let image = RGBImage(
        pixels: rows.flatMap { [UInt8](repeating: $0, count: golden.width * 3) },
        width: golden.width, height: rows.count)
      let trigger = SinusoidalTrigger(delta: golden.delta, frequency: golden.frequency)
      let expected = golden.pixels.flatMap { [$0, $0, $0] }
      #expect(triggered(image, by: trigger).pixels == expected, "width \(golden.width)")
    }
  }
}

@Suite(.enabled(if: Fixtures.available(for: "BadNetFixtureTests")))
struct BadNetFixtureTests {
  private func subset() throws -> DatasetPair {
    try CIFAR10.loadBinary(folder: Fixtures.path("cifar10-subset"))
  }

  @Test func allTriggeredTestImagesHaveTheOriginalsBits() throws {
    let test = try subset().test
    let labels = LabelTransform.allToOne(target: 0)
    let ours = PoisonedDataset.test(
      test, trigger: BadNetTrigger(height: 32, width: 32), labels: labels)
    let theirs = try PoisonFolder.read(
      Fixtures.path("badnet_thin16/bd_test_dataset"), height: 32, width: 32,
      classNames: test.classNames, labels: labels)
    #expect(ours.images.count == 450)
    #expect(ours.originalIndices == theirs.originalIndices)
    #expect(ours.originalLabels == theirs.originalLabels)
    #expect(ours.images.labels == theirs.images.labels)
    #expect(ours.images.pixels == theirs.images.pixels)
  }

  @Test func theDefaultPatchIsTheOriginals() throws {
    let bytes = [UInt8](
      try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("badnet_mask_32_u8_hwc.npy"))))
    let black = RGBImage(pixels: .init(repeating: 0, count: 3072), width: 32, height: 32)
    let result = triggered(black, by: BadNetTrigger(height: 32, width: 32))
    #expect(result.pixels == Array(bytes.suffix(3072)))
  }

  @Test(arguments: [64, 224]) func thePatchIsTheOriginalsAtOtherSizes(side: Int) throws {
    let name = "datasets/badnet_mask_\(side)_u8.npy"
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Fixtures.path(name))))
    let black = RGBImage(
      pixels: .init(repeating: 0, count: side * side * 3), width: side, height: side)
    let result = triggered(black, by: BadNetTrigger(height: side, width: side))
    #expect(result.pixels == bytes.suffix(side * side).flatMap { [$0, $0, $0] })
  }

  @Test func thePoisonedSetIsTheOriginals() throws {
    struct Expected: Decodable {
      struct Indicator: Decodable { let ones_at: [Int] }
      struct Images: Decodable { let poison_indicator: Indicator }
      let bd_train: Images
    }
    let path = Fixtures.path("badnet_thin16/expected.json")
    let expected = try JSONDecoder().decode(
      Expected.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    let planned = try PoisonPlan.indices(
      labels: subset().train.labels, ratio: 0.3, target: 0, cleanLabel: false, seed: 0)
    #expect(planned == expected.bd_train.poison_indicator.ones_at)
  }
}
