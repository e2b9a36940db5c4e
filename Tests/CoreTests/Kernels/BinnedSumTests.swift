import Core
import Testing

/// Sums in bins against plain ones and against integers.
@Suite struct BinnedSumTests {
  /// `terms` added up in order, in as many groups as `starts` has, each with sums of its own.
  private static func sum(_ terms: [Double], groups: Int = 1) -> Double {
    var sums = [Double](repeating: 0, count: BinnedSum.bins)
    for group in 0..<groups {
      var part = [Double](repeating: 0, count: BinnedSum.bins)
      for index in stride(from: group, to: terms.count, by: groups) {
        var term = terms[index]
        BinnedSum.move(&term, count: 1, into: &part)
        #expect(term == 0)
      }
      for bin in part.indices { sums[bin] += part[bin] }
    }
    return BinnedSum.total(sums, 0, of: 1)
  }

  /// Terms of both signs between 2^-`spread` and 2^20.
  private static func terms(_ count: Int, spread: Int) -> [Double] {
    var generator = RandomStream(seed: 3, purpose: .dropout)
    return (0..<count).map { _ in
      let exponent = Int.random(in: -spread...20, using: &generator)
      return Double.random(in: -1...1, using: &generator)
        * Double(sign: .plus, exponent: exponent, significand: 1)
    }
  }

  @Test(arguments: [20, 60, 80]) func neitherOrderNorGroupsShow(spread: Int) {
    let terms = Self.terms(5000, spread: spread)
    let sum = Self.sum(terms)
    #expect(Self.sum(terms.reversed()) == sum && Self.sum(terms.sorted()) == sum)
    for groups in [2, 3, 24] { #expect(Self.sum(terms, groups: groups) == sum) }
    let plain = [terms, terms.reversed(), terms.sorted()].map { $0.reduce(0, +) }
    #expect(Set(plain).count > 1, "plain sums show their order")
  }

  /// What cancels leaves what is small, where a plain sum leaves its own rounding.
  @Test func whatIsSmallIsLeft() {
    let small = (1...1000).map { Double($0) * 0x1p-85 }
    let large = Self.terms(1000, spread: 10)
    #expect(Self.sum(large + small + large.map(-)) == 500_500 * 0x1p-85)
    #expect((large + small + large.map(-)).reduce(0, +) != 500_500 * 0x1p-85)
  }

  /// Each sum takes its own terms, in every bin.
  @Test func sumsAreApart() {
    let values = [3.5, -0x1p-40, 0x1p-80, 1e9 + 0x1p-20, 0]
    var sums = [Double](repeating: 0, count: BinnedSum.bins * values.count)
    for _ in 0..<3 {
      var terms = values
      BinnedSum.move(&terms, count: values.count, into: &sums)
    }
    for (index, value) in values.enumerated() {
      #expect(BinnedSum.total(sums, index, of: values.count) == 3 * value)
    }
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity]) func whatIsNoNumberStaysNone(term: Double) {
    #expect(!Self.sum([1, term, 2]).isFinite)
  }

  /// Beyond the largest sum that is exact it is as good as a plain one.
  @Test func largeTermsAreSummedToo() {
    let terms = Self.terms(1000, spread: 0).map { $0 * 0x1p60 }
    let plain = terms.reduce(0, +)
    #expect(abs(Self.sum(terms) - plain) <= 1e-12 * abs(plain))
  }
}
