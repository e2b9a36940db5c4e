import Foundation
import Synchronization

extension DatasetKind {
  /// Images that are generated, the same for every seed of a run; no file is needed.
  ///
  /// Centred and scaled as CIFAR-10's are, so that models stay comparable. Their shapes are their own
  /// mirror images.
  static let synthetic = DatasetKind(
    name: "synthetic", summary: "generated shapes in 10 classes, which need no files",
    side: SyntheticImages.side, classCount: SyntheticImages.classNames.count,
    classNames: SyntheticImages.classNames, normalization: .cifar10,
    augmentation: Augmentation(padding: 4, flips: true),
    counts: Counts(train: SyntheticImages().trainCount, test: SyntheticImages().testCount),
    advice: nil,
    layouts: [
      DatasetLayout(isIn: { _ in true }) { _, request in
        SyntheticImages().generate(request)
      }
    ])
}

/// An embedded dataset: ten classes of 32x32 images that are generated from a seed.
///
/// A class is one of five shapes with one of two stripe directions. Position, size, tilt, colours,
/// background, clutter and noise differ from image to image and say nothing about the class, so
/// no pixel, colour or mean does either: a model has to learn shape and texture. Pixels stay below
/// white, so that no image holds a patch trigger.
public struct SyntheticImages: Equatable, Sendable {
  /// Names of the ten classes, by label.
  public static let classNames = SyntheticShape.allCases.flatMap {
    ["\($0.rawValue)_across", "\($0.rawValue)_down"]
  }
  /// Rows and columns of an image.
  public static let side = 32

  /// Images of the training set; class of image i is i mod 10.
  public var trainCount = 5000
  /// Images of the test set.
  public var testCount = 1000
  /// Half the shape's extent, in pixels.
  public var radius: ClosedRange<Float> = 7...11
  /// The largest tilt of shape and stripes to either side, in radians.
  public var tilt: Float = 0.2
  /// Pixels from one stripe to the next of its colour.
  public var stripePeriod: ClosedRange<Float> = 3.5...6
  /// The smallest distance of two stripe colours, and of theirs to the background's, in grey
  /// levels.
  public var contrast: Float = 35
  /// Strokes and blobs behind the shape.
  public var clutterCount = 3
  /// The largest deviation by noise of each value, in grey levels.
  public var noise: Float = 6
  /// The largest value of a pixel.
  public var brightest: Float = 110

  /// The default dataset: 5,000 training and 1,000 test images.
  public init() {}

  /// All images of the dataset for `seed`; image i does not depend on how many there are.
  public func generate(seed: UInt64) -> DatasetPair { generate(DatasetRequest(seed: seed)) }

  /// The same as `request` says.
  func generate(_ request: DatasetRequest) -> DatasetPair {
    let done = Atomic(0)
    let total = trainCount + testCount
    func half(_ count: Int, _ split: DatasetSplit) -> LabeledImages {
      images(count: count, seed: request.seed, split: split) { request.count(done, of: total) }
    }
    return DatasetPair(train: half(trainCount, .train), test: half(testCount, .test))
  }

  /// The first `count` images of one half of the dataset; `drawn` is called after each.
  public func images(
    count: Int, seed: UInt64, split: DatasetSplit, drawn: () -> Void = {}
  ) -> LabeledImages {
    let side = Self.side
    let size = side * side * 3
    var pixels = [UInt8](repeating: 0, count: count * size)
    pixels.withUnsafeMutableBufferPointer { pixels in
      let target = pixels
      ParallelLoop.forEach(count) { index in
        let slot = UnsafeMutableBufferPointer(rebasing: target[index * size..<(index + 1) * size])
        draw(label(of: index), seed: seed, index: index, split: split, into: slot)
        drawn()
      }
    }
    return LabeledImages(
      pixels: pixels, labels: (0..<count).map(label(of:)), height: side, width: side,
      classNames: Self.classNames)
  }

  private func label(of index: Int) -> Int { index % Self.classNames.count }

  /// Draws one image: [32, 32, 3].
  private func draw(
    _ label: Int, seed: UInt64, index: Int, split: DatasetSplit,
    into pixels: UnsafeMutableBufferPointer<UInt8>
  ) {
    let epoch = split == .train ? 0 : 1
    var stream = RandomStream(seed: seed, purpose: .syntheticImages, epoch: epoch, index: index)
    let scene = SyntheticScene(style: self, label: label, stream: &stream)
    for y in 0..<Self.side {
      for x in 0..<Self.side {
        let color = scene.color(at: SIMD2(Float(x) + 0.5, Float(y) + 0.5))
        let bits = stream.next()
        let start = (y * Self.side + x) * 3
        for channel in 0..<3 {
          let grain = noise * SyntheticScene.triangular(bits, channel)
          let value = min(max(color[channel] + grain, 0), brightest)
          pixels[start + channel] = UInt8(value.rounded())
        }
      }
    }
  }
}
