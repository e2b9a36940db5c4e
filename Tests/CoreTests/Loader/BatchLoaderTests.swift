import Core
import Foundation
import Testing

@Suite struct BatchLoaderTests {
  /// Image i has the value i everywhere and the label i mod 3.
  private let images = indexedImages(labels: (0..<20).map { $0 % 3 }, classCount: 3, side: 2)
  private let identity = Normalization(mean: [0, 0, 0], standardDeviation: [1, 1, 1])

  private func loader(
    world: Int = 1, rank: Int = 0, augmentation: Augmentation? = nil, dropLast: Bool = false
  ) -> BatchLoader {
    let sampler = ShardedSampler(
      count: 20, batchSize: 6, shuffleSeed: 3, dropLast: dropLast, worldSize: world, rank: rank)
    return BatchLoader(
      images: images, sampler: sampler, normalization: identity, augmentation: augmentation,
      seed: 9)
  }

  @Test func batchesHoldTheSamplersImages() {
    let loader = loader()
    var step = 0
    for batch in loader.epoch(4) {
      #expect(batch.indices == loader.sampler.localIndices(epoch: 4, step: step))
      #expect(batch.labels == batch.indices.map { Int32($0 % 3) })
      #expect(batch.globalCount == (step == 3 ? 2 : 6))
      let values = batch.indices.flatMap { [Float](repeating: Float($0) / 255, count: 12) }
      #expect(batch.images.array == values)
      step += 1
    }
    #expect(step == 4)
  }

  @Test(arguments: 1...8) func ranksTogetherHoldWhatOneRankHolds(world: Int) {
    let augmentation = Augmentation(padding: 1, flips: true)
    let alone = Array(loader(augmentation: augmentation).epoch(1)).map(\.images.array)
    let ranks = (0..<world).map {
      Array(loader(world: world, rank: $0, augmentation: augmentation).epoch(1))
    }
    for step in alone.indices {
      #expect(ranks.flatMap { $0[step].images.array } == alone[step])
      #expect(ranks.allSatisfy { $0[step].globalCount == (step == 3 ? 2 : 6) })
    }
  }

  @Test func startingLaterGivesTheSameBatches() {
    let augmentation = Augmentation(padding: 1, flips: true)
    let loader = loader(augmentation: augmentation)
    let whole = Array(loader.epoch(2)).map(\.images.array)
    for step in 0...4 {
      let rest = Array(loader.epoch(2, startingAt: step)).map(\.images.array)
      #expect(rest == Array(whole.dropFirst(step)))
    }
  }

  @Test func heldBatchesKeepTheirValuesWhileOthersAreMade() {
    let batches = Array(loader().epoch(0))
    for batch in batches {
      let values = batch.indices.flatMap { [Float](repeating: Float($0) / 255, count: 12) }
      #expect(batch.images.array == values)
    }
  }

  /// The loader is kept alive by its thread alone, so its end shows the thread's.
  @Test func stoppingEarlyEndsTheThread() throws {
    weak var leaked: BatchLoader?
    do {
      let loader = loader()
      leaked = loader
      for _ in loader.epoch(0) { break }
    }
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(300)
    while leaked != nil && clock.now < deadline { sched_yield() }
    #expect(leaked == nil)
  }

  @Test func sequentialKeepsOrderAndTheLastPartialBatch() {
    let loader = BatchLoader.sequential(images, batchSize: 8, normalization: identity)
    let batches = Array(loader.epoch(0))
    #expect(batches.map(\.count) == [8, 8, 4])
    #expect(batches.flatMap(\.indices) == Array(0..<20))
  }

  @Test func paddingIsBlackBeforeNormalisation() {
    let normalization = Normalization(mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.5, 0.5])
    let bright = LabeledImages(
      pixels: .init(repeating: 255, count: 300 * 12), labels: .init(repeating: 0, count: 300),
      height: 2, width: 2, classNames: ["a"])
    let sampler = ShardedSampler(count: 300, batchSize: 300, shuffleSeed: nil, dropLast: false)
    let loader = BatchLoader(
      images: bright, sampler: sampler, normalization: normalization,
      augmentation: Augmentation(padding: 1, flips: true), seed: 0)
    for batch in loader.epoch(0) { #expect(Set(batch.images.array) == [-1, 1]) }
  }

  /// A crop moved by (r, c) and mirrored, against the same done pixel by pixel.
  @Test func cropsAndFlipsMovePixels() {
    let picture = formulaImage(width: 5, height: 4)
    let one = LabeledImages(
      pixels: picture.pixels, labels: [0], height: 4, width: 5, classNames: ["a"])
    let sampler = ShardedSampler(count: 1, batchSize: 1, shuffleSeed: nil, dropLast: false)
    let augmentation = Augmentation(padding: 2, flips: true)
    let loader = BatchLoader(
      images: one, sampler: sampler, normalization: identity, augmentation: augmentation, seed: 6)
    for epoch in 0..<40 {
      let place = augmentation.placement(seed: 6, epoch: epoch, index: 0)
      let expected = (0..<4).flatMap { y in
        (0..<5).flatMap { x in
          (0..<3).map { c -> Float in
            let (row, column) = (
              y + place.rowShift, (place.isFlipped ? 4 - x : x) + place.columnShift
            )
            guard (0..<4).contains(row), (0..<5).contains(column) else { return 0 }
            return Float(picture.pixels[(row * 5 + column) * 3 + c]) / 255
          }
        }
      }
      for batch in loader.epoch(epoch) { #expect(batch.images.array == expected) }
    }
  }
}
