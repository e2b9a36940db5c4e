/// Sums of doubles that come to the same bits in whatever order and groups their terms are added.
///
/// A term is rounded to a multiple of 2^-88 and split into one of 2^-12, one of 2^-50 and the rest; each
/// of the three is summed alone. Such a sum is exact, so no order shows, for up to 2^15 terms that are
/// each below 2^39 in magnitude and 2^41 together. Beyond that it is as good as a plain sum; a sum
/// with an infinite term is not a number. See Demmel and Nguyen, Parallel Reproducible Summation (2015).
package enum BinnedSum {
  /// The numbers that stand for one sum.
  package static let bins = 3
  /// Adding and subtracting one of these rounds to the bin's multiples.
  private static let rounding = (coarse: 0x1.8p40, middle: 0x1.8p2, fine: 0x1.8p-36)

  /// Moves `count` terms into as many sums: `terms` are 0 after it; `sums` are [bins, count].
  package static func move(
    _ terms: UnsafeMutablePointer<Double>, count: Int, into sums: UnsafeMutablePointer<Double>
  ) {
    let (middles, fines) = (sums + count, sums + 2 * count)
    for index in 0..<count {
      let term = terms[index]
      let coarse = (term + rounding.coarse) - rounding.coarse
      let rest = term - coarse
      let middle = (rest + rounding.middle) - rounding.middle
      let fine = ((rest - middle) + rounding.fine) - rounding.fine
      sums[index] += coarse
      middles[index] += middle
      fines[index] += fine
      terms[index] = 0
    }
  }

  /// Sum `index` of `count`, which `sums` hold as [bins, count].
  package static func total(_ sums: [Double], _ index: Int, of count: Int) -> Double {
    sums[index] + (sums[count + index] + sums[2 * count + index])
  }
}
