import Core
import Testing

@Suite struct ShardedSamplerTests {
  private static let counts = [0, 1, 4, 10, 1000]

  private func epoch(
    count: Int, batchSize: Int, dropLast: Bool, worldSize: Int, epoch: Int = 3
  ) -> [[Int]] {
    let ranks = (0..<worldSize).map {
      ShardedSampler(
        count: count, batchSize: batchSize, shuffleSeed: 11, dropLast: dropLast,
        worldSize: worldSize, rank: $0)
    }
    return (0..<ranks[0].stepsPerEpoch).map { step in
      ranks.flatMap { $0.localIndices(epoch: epoch, step: step) }
    }
  }

  @Test(arguments: counts, 1...8) func everyIndexAppearsOncePerEpoch(count: Int, world: Int) {
    for batchSize in [1, 3, 128] {
      let steps = epoch(count: count, batchSize: batchSize, dropLast: false, worldSize: world)
      #expect(steps.flatMap { $0 }.sorted() == Array(0..<count))
    }
  }

  @Test(arguments: counts, 1...8) func orderDoesNotDependOnWorldSize(count: Int, world: Int) {
    for (batchSize, dropLast) in [(1, false), (3, true), (3, false), (128, true)] {
      let alone = epoch(count: count, batchSize: batchSize, dropLast: dropLast, worldSize: 1)
      let shared = epoch(count: count, batchSize: batchSize, dropLast: dropLast, worldSize: world)
      #expect(shared == alone)
    }
  }

  @Test(arguments: 1...8) func sharesDifferByAtMostOne(world: Int) {
    for batchSize in 1...20 {
      let sizes = (0..<world).map { rank in
        ShardedSampler(
          count: 20, batchSize: batchSize, shuffleSeed: nil, dropLast: false, worldSize: world,
          rank: rank
        ).localRange(step: 0).count
      }
      #expect(sizes.reduce(0, +) == batchSize)
      #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
    }
  }

  @Test func lastBatchIsDroppedOrKept() {
    let sampler = { dropLast in
      ShardedSampler(count: 10, batchSize: 4, shuffleSeed: 0, dropLast: dropLast)
    }
    #expect(sampler(true).stepsPerEpoch == 2)
    #expect(sampler(true).imagesPerEpoch == 8)
    #expect(sampler(false).stepsPerEpoch == 3)
    #expect((0..<3).map { sampler(false).globalBatchSize(step: $0) } == [4, 4, 2])
    #expect(
      ShardedSampler(count: 3, batchSize: 4, shuffleSeed: 0, dropLast: true).stepsPerEpoch == 0)
  }

  @Test func withoutSeedTheOrderIsTheDatasets() {
    let sampler = ShardedSampler(count: 5, batchSize: 2, shuffleSeed: nil, dropLast: false)
    #expect((0..<3).map { sampler.localIndices(epoch: 9, step: $0) } == [[0, 1], [2, 3], [4]])
  }

  @Test(arguments: [1, 2, 3]) func drawnImagesComeAgainAndAreTheSameForEveryWorld(world: Int) {
    func drawn(_ worldSize: Int) -> [Int] {
      (0..<4).flatMap { step in
        (0..<worldSize).flatMap { rank in
          var sampler = ShardedSampler(
            count: 32, batchSize: 8, shuffleSeed: 5, dropLast: false, worldSize: worldSize,
            rank: rank)
          sampler.population = 6
          return sampler.localIndices(epoch: 2, step: step)
        }
      }
    }
    #expect(drawn(world) == drawn(1))
    #expect(drawn(1).count == 32 && Set(drawn(1)) == Set(0..<6))
  }
}
