import Core
import Testing

@Suite struct EpochTimingTests {
  /// Ranks on hosts "a", "a", "b", "b"…, with these times to the last gradient, in seconds.
  private func timing(
    _ lastGradient: [Double], load: [Double]? = nil, steps: Int = 100
  ) -> EpochTiming {
    EpochTiming(
      steps: steps,
      ranks: lastGradient.enumerated().map { rank, time in
        EpochTiming.Rank(
          rank: rank, host: String("abcd"["abcd".index("abcd".startIndex, offsetBy: rank / 2)]),
          lastGradient: time, load: load?[rank] ?? 0, wait: 10 - time)
      })
  }

  private func expect(
    _ spread: EpochTiming.Spread, _ min: Double, _ median: Double, _ max: Double, at rank: Int
  ) {
    #expect([spread.min, spread.median, spread.max] == [min, median, max])
    #expect(spread.largestAt == rank)
  }

  @Test func spreadsAreMinimumMedianAndMaximumWithItsRank() {
    let three = timing([2, 5, 1])
    expect(three.lastGradient, 1, 2, 5, at: 1)
    expect(three.wait, 5, 8, 9, at: 2)
    let four = timing([1, 2, 4, 3])
    expect(four.lastGradient, 1, 2.5, 4, at: 2)
    expect(timing([7]).lastGradient, 7, 7, 7, at: 0)
  }

  @Test func hostsAreMediansOfTheirRanks() {
    let hosts = timing([1, 3, 5, 6]).hosts
    #expect(hosts.map(\.name) == ["a", "b"])
    #expect(hosts.map(\.ranks) == [[0, 1], [2, 3]])
    #expect(hosts.map(\.lastGradient) == [2, 5.5])
    #expect(hosts.map(\.wait) == [8, 4.5])
  }

  @Test func aRankOverSixFifthsOfTheOthersMedianIsLate() {
    for ranks in 2...8 {
      for late in 0..<ranks {
        var times = [Double](repeating: 1, count: ranks)
        times[late] = 1.19
        #expect(timing(times).straggler == nil)
        times[late] = 1.5
        let straggler = timing(times).straggler
        #expect(straggler?.rank == late && straggler?.ratio == 1.5)
        #expect(straggler?.host == timing(times).ranks[late].host)
      }
    }
  }

  @Test func lateLoadingCountsToo() {
    #expect(timing([1, 1, 1], load: [0, 0, 0.5]).straggler?.rank == 2)
    #expect(timing([1, 1, 1], load: [0, 0, 0.1]).straggler == nil)
  }

  @Test func nobodyIsLateAloneOrByLessThanATenthOfASecondAnEpoch() {
    #expect(timing([1]).straggler == nil)
    #expect(timing([0.001, 0.0015], steps: 100).straggler == nil)
    #expect(timing([0.001, 0.0015], steps: 1000).straggler?.rank == 1)
  }
}
