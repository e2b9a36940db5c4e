import Core
import Distributed
import TestSupport
import Testing

/// bpp against what the original's code computed.
@Suite(.enabled(if: Fixtures.available(for: "BPPFixtureTests")))
struct BPPFixtureTests {
  private func images(dithers: Bool = false) -> SqueezedImages {
    SqueezedImages(
      ColourSqueeze(levels: 8, dithers: dithers), pixels: PixelRule(.cifar10, rounds: false),
      height: 32, width: 32)
  }

  private func picture<Result>(
    _ index: Int, in set: LabeledImages, _ body: (UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    set.pixels.withUnsafeBufferPointer {
      body(UnsafeBufferPointer(rebasing: $0[set.range(of: index)]))
    }
  }

  private func saved(_ key: String, _ fixture: AttackFixture) throws -> [UInt8] {
    try fixture[key].integers.map { UInt8($0) }
  }

  @Test(arguments: [("bpp/saved.pt", false), ("bpp/saved_dithering.pt", true)])
  func savedPicturesAreTheOriginals(file: String, dithers: Bool) throws {
    let (fixture, images) = (try AttackFixture(file), images(dithers: dithers))
    let (train, test) = (try AttackFixture.pictures(.train), try AttackFixture.pictures(.test))
    let first = Int(try fixture["first_train_index"].number)
    let clean = (0..<12).flatMap { picture(first + $0, in: train) { images.savedPicture($0) } }
    #expect(clean == (try saved("clean_train_png", fixture)))
    let squeezed = (0..<12).flatMap {
      picture(first + $0, in: train) { images.squeezedPicture($0) }
    }
    #expect(squeezed == (try saved("bd_train_Save_png", fixture)))
    let triggered = try fixture["bd_test_index"].integers.prefix(8).flatMap {
      picture($0, in: test) { images.squeezedPicture($0) }
    }
    #expect(triggered == (try saved("bd_test_png_first8", fixture)))
    let residuals = try fixture["cross_test_residual_index", "0"].integers
    let cross = (0..<8).flatMap { index in
      let residual = picture(residuals[index], in: test) { images.residual($0) }
      return picture(index, in: test) {
        images.crossPicture($0, residual: residual, isRight: false)
      }
    }
    #expect(cross == (try saved("cross_test_png_first8", fixture)))
  }

  @Test func threeStepsAreTheOriginals() throws {
    let (fixture, made) = (try AttackFixture("bpp/train.pt"), images())
    let train = try AttackFixture.pictures(.train)
    let first = Int(try AttackFixture("bpp/saved.pt")["first_train_index"].number)
    let network = try AttackFixture.classifier()
    let step = AttackFixture.step(network)
    for index in 0..<3 {
      let one = try fixture["batches", "\(index)"]
      let indices = try one["train_index"].integers
      let images = try AttackFixture.images(indices)
      let (poisoned, negatives) = (Int(try one["num_bd"].number), Int(try one["num_neg"].number))
      let residuals = try one["residual_index"].integers
      for image in 0..<poisoned + negatives {
        let target = images.pointer + image * 3072
        let values =
          image < poisoned
          ? made.squeezed(target)
          : made.negative(
            target,
            residual: picture(first + residuals[image - poisoned], in: train) { made.residual($0) })
        target.update(from: values, count: values.count)
      }
      let expected = try one["bd_and_negative"].images.array
      #expect(largestDistance(Array(images.array[..<expected.count]), expected) < 1e-5)
      let crop = try one["crop"]
      BatchAugmentation.Placement(
        crop: crop.isNone ? nil : (try crop.integers[0], try crop.integers[1]),
        angle: try one["angle_degrees"].isNone ? nil : try one["angle_degrees"].number,
        isMirrored: try one["flip_draw"].number < 0.5
      ).apply(to: images, pool: step.context.pool)
      let loss = try step.run(
        Batch(
          images: images.buffer, labels: try one["targets"].integers.map { Int32($0) },
          indices: indices, globalCount: indices.count), at: Moment(learningRate: 0.01)
      ).crossEntropy.lossSum
      expectClose(
        loss / Double(indices.count), try one["loss"].number, relative: index < 2 ? 1e-5 : 1e-4,
        "loss \(index)")
    }
  }

  @Test(arguments: [4, 8, 32]) func fewerColoursAreTheOriginals(levels: Int) throws {
    let fixture = try AttackFixture("bpp/squeeze.pt")
    let part = try fixture["by_squeeze_num", "\(levels)"]
    let train = try AttackFixture.pictures(.train)
    for (key, dithers) in [("squeezed_float", false), ("dithered_rounded", true)] {
      let expected = try part[key].images.array
      let values = (0..<expected.count / 3072).flatMap { index -> [Float] in
        var values = train.pixels[train.range(of: index)].map { Float($0) }
        ColourSqueeze(levels: levels, dithers: dithers).apply(to: &values, height: 32, width: 32)
        return values
      }
      #expect(values == expected, "\(key)")
    }
  }
}
