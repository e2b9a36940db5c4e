import Core
import Testing

@Suite struct PermutationTests {
  @Test(arguments: [0, 1, 2, 7, 1000]) func everyNumberAppearsOnce(count: Int) {
    for epoch in 0..<3 {
      let order = Permutation.of(count: count, seed: 5, epoch: epoch)
      #expect(order.sorted() == Array(0..<count))
    }
  }

  @Test func ordersDifferByEpochAndSeedAlone() {
    let order = Permutation.of(count: 100, seed: 1, epoch: 2)
    #expect(Permutation.of(count: 100, seed: 1, epoch: 2) == order)
    #expect(Permutation.of(count: 100, seed: 1, epoch: 3) != order)
    #expect(Permutation.of(count: 100, seed: 2, epoch: 2) != order)
  }

  /// All six orders of three numbers come up about equally often (chi-square, 5 degrees, p = 1e-4).
  @Test func ordersAreUniform() {
    var counts: [[Int]: Int] = [:]
    for epoch in 0..<6000 {
      counts[Permutation.of(count: 3, seed: 0, epoch: epoch), default: 0] += 1
    }
    let statistic = counts.values.reduce(0.0) { $0 + Double(($1 - 1000) * ($1 - 1000)) / 1000 }
    #expect(counts.count == 6)
    #expect(statistic < 25.7)
  }

  /// Pins version 1: a run must be repeatable with a later program.
  @Test func versionOneIsPinned() {
    #expect(Permutation.version == 1)
    #expect(Permutation.of(count: 10, seed: 0, epoch: 0) == [3, 4, 0, 1, 7, 6, 5, 9, 8, 2])
  }
}
