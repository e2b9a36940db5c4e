import Core
import Distributed
import TestSupport
import Testing

/// wanet against what the original's code computed.
@Suite(.enabled(if: Fixtures.available(for: "WaNetFixtureTests")))
struct WaNetFixtureTests {
  private let rule = PixelRule(.cifar10, rounds: false)

  private func grid() throws -> WarpingGrid {
    WarpingGrid(
      places: try AttackFixture("wanet/grid.pt")["backdoor_grid"].floats, height: 32, width: 32)
  }

  @Test func theFieldIsTheOriginals() throws {
    let fixture = try AttackFixture("wanet/grid.pt")
    let field = WarpingField(
      uniform: try fixture["uniform_k4"].floats, side: 4, height: 32, width: 32)
    #expect(largestDistance(field.noise.places, try fixture["noise_grid"].floats) < 1e-5)
    let identity = WarpingGrid.identity(height: 32, width: 32).places
    #expect(largestDistance(identity, try fixture["identity_grid"].floats) < 1e-6)
    let grid = field.grid(strength: 0.5, rescale: 1)
    #expect(largestDistance(grid.places, try fixture["backdoor_grid"].floats) < 1e-6)
  }

  @Test func testImagesAreTheOriginals() throws {
    let fixture = try AttackFixture("wanet/warp_test.pt")
    let (grid, images) = (try grid(), try AttackFixture.images(Array(0..<8), split: .test))
    let (triggered, cross) = (try fixture["y_backdoor"].images, try fixture["y_cross"].images)
    let uniform = try fixture["uniform_cross"].floats
    let size = 32 * 32 * 3
    for image in 0..<8 {
      let one = images.pointer + image * size
      let warped = grid.warp(one, channels: 3)
      #expect(
        largestDistance(warped, Array(triggered.array[image * size..<(image + 1) * size])) < 1e-5)
      let disturbed = grid.disturbed { uniform[image * 2048 + $0] }
      #expect(
        largestDistance(
          disturbed.warp(one, channels: 3),
          Array(cross.array[image * size..<(image + 1) * size])) < 1e-5)
    }
  }

  @Test func picturesAreCutOffAsTheOriginals() throws {
    let fixture = try AttackFixture("wanet/warp_test.pt")
    let values = try fixture["y_cross"].images.array
    for image in 0..<8 {
      let bytes = values[image * 3072..<(image + 1) * 3072].enumerated().map {
        rule.byte($1, channel: $0 % 3)
      }
      let expected = try fixture["png_cross", "\(image)"].integers.map { UInt8($0) }
      #expect(byteDifference(bytes, expected) == (0, 0), "image \(image)")
    }
  }

  @Test func batchesAreAugmentedAsTheOriginals() throws {
    let fixture = try AttackFixture("wanet/augmentation.pt")
    let x = try fixture["x"].images.array
    for index in 0..<12 {
      let one = try fixture["cases", "\(index)"]
      let crop = try one["crop"].count > 0 ? try one["crop", "0"].integers : []
      let placement = BatchAugmentation.Placement(
        crop: crop.isEmpty ? nil : (crop[0], crop[1]),
        angle: try one["angle_degrees"].numbers.first,
        isMirrored: try one["flip_draw"].number < 0.5)
      let moved = placement.sources(height: 32, width: 32).flatMap { source in
        source < 0 ? [0, 0, 0] : Array(x[source * 3..<source * 3 + 3])
      }
      #expect(moved == (try one["y"].images.array), "case \(index)")
    }
  }

  @Test func threeStepsAreTheOriginals() throws {
    let (fixture, grid) = (try AttackFixture("wanet/train.pt"), try grid())
    let network = try AttackFixture.classifier()
    let step = AttackFixture.step(network)
    for index in 0..<3 {
      let one = try fixture["batches", "\(index)"]
      let indices = try one["train_index"].integers
      let images = try AttackFixture.images(indices)
      let (first, cross) = (Int(try one["num_bd"].number), Int(try one["num_cross"].number))
      let uniform = try one["uniform_cross"].floats
      for image in 0..<first + cross {
        let warping =
          image < first ? grid : grid.disturbed { uniform[(image - first) * 2048 + $0] }
        let target = images.pointer + image * 3072
        target.update(from: warping.warp(target, channels: 3), count: 3072)
      }
      if one.keys.contains("poisoned_and_cross_before_augmentation") {
        let expected = try one["poisoned_and_cross_before_augmentation"].images.array
        #expect(largestDistance(Array(images.array[..<expected.count]), expected) < 1e-5)
      }
      let top = Int(try one["crop_top"].number)
      let placement = BatchAugmentation.Placement(
        crop: top < 0 ? nil : (top, Int(try one["crop_left"].number)),
        angle: try one["angle_degrees"].isNone ? nil : try one["angle_degrees"].number,
        isMirrored: try one["flip_draw"].number < 0.5)
      placement.apply(to: images, pool: step.context.pool)
      let outcome = try step.run(
        Batch(
          images: images.buffer, labels: try one["targets"].integers.map { Int32($0) },
          indices: indices, globalCount: indices.count),
        at: Moment(learningRate: try one["lr"].number))
      expectClose(
        outcome.crossEntropy.lossSum / Double(indices.count), try one["loss"].number,
        relative: 1e-5, "loss \(index)")
    }
    expectAllClose(
      network.store.parameterValues(),
      Dictionary(
        uniqueKeysWithValues: try network.store.plan.parameters.map {
          ($0.name, try fixture["final", $0.name].floats)
        }), relative: 1e-5, "after")
  }
}
