import CompressionShim
import Testing

/// The passes over a matrix against plain loops of doubles.
@Suite struct LowRankShimTests {
  /// Columns that fill no vector and rows that fill no group too.
  static let shapes = [(1, 1), (3, 5), (4, 8), (7, 9), (18, 16), (41, 37)]

  private static func numbers(_ count: Int, seed: UInt64) -> [Float] {
    var values = [Float](repeating: 0, count: count)
    fst_low_rank_draw(&values, count, seed)
    return values
  }

  private static func isClose(_ found: Float, _ expected: Double, terms: Int) -> Bool {
    abs(Double(found) - expected) <= 1e-6 * Double(4 + terms)
  }

  /// How far the products of rows of `columns` numbers with one another are from 0, and with
  /// themselves from 1, at most.
  private static func largestError(of vectors: [Float], columns: Int) -> Double {
    var largest = 0.0
    for k in stride(from: 0, to: vectors.count, by: columns) {
      for l in stride(from: 0, through: k, by: columns) {
        var product = k == l ? -1.0 : 0
        for j in 0..<columns { product += Double(vectors[k + j]) * Double(vectors[l + j]) }
        if product.isNaN { return .infinity }
        largest = max(largest, abs(product))
      }
    }
    return largest
  }

  @Test(arguments: shapes.indices, 1...9) func foldingAddsAndMultiplies(index: Int, rank: Int) {
    let (rows, columns) = Self.shapes[index]
    let gradients = Self.numbers(rows * columns, seed: 1)
    let before = Self.numbers(rows * columns, seed: 2)
    let down = Self.numbers(rows * rank, seed: 3)
    var errors = before
    var across = [Float](repeating: .nan, count: columns * rank)
    fst_low_rank_fold(
      fst_low_rank_shape(rows: rows, columns: columns, rank: rank), gradients, &errors, down,
      &across)
    #expect(errors == zip(gradients, before).map { $0 + $1 })
    for k in 0..<rank {
      for j in 0..<columns {
        let expected = (0..<rows).reduce(0.0) {
          $0 + Double(errors[$1 * columns + j]) * Double(down[k * rows + $1])
        }
        #expect(Self.isClose(across[k * columns + j], expected, terms: rows))
      }
    }
  }

  @Test(arguments: shapes.indices, 1...9) func projectingMultiplies(index: Int, rank: Int) {
    let (rows, columns) = Self.shapes[index]
    let matrix = Self.numbers(rows * columns, seed: 1)
    let across = Self.numbers(columns * rank, seed: 2)
    var down = [Float](repeating: .nan, count: rows * rank)
    fst_low_rank_project(
      fst_low_rank_shape(rows: rows, columns: columns, rank: rank), matrix, across, &down)
    for i in 0..<rows {
      for k in 0..<rank {
        let expected = (0..<columns).reduce(0.0) {
          $0 + Double(matrix[i * columns + $1]) * Double(across[k * columns + $1])
        }
        #expect(Self.isClose(down[k * rows + i], expected, terms: columns))
      }
    }
  }

  @Test(arguments: shapes.indices, 1...9) func rebuildingMultipliesAndLeavesTheRest(
    index: Int, rank: Int
  ) {
    let (rows, columns) = Self.shapes[index]
    let across = Self.numbers(columns * rank, seed: 1)
    let summed = Self.numbers(rows * rank, seed: 2)
    let own = Self.numbers(rows * rank, seed: 3)
    let before = Self.numbers(rows * columns, seed: 4)
    var errors = before
    errors[0] = .nan
    errors[rows * columns - 1] = .infinity
    var gradients = [Float](repeating: .nan, count: rows * columns)
    fst_low_rank_rebuild(
      fst_low_rank_shape(rows: rows, columns: columns, rank: rank), across, summed, own,
      &gradients, &errors)
    for i in 0..<rows {
      for j in 0..<columns {
        let (place, terms) = (i * columns + j, 0..<rank)
        let product = terms.map { Double(across[$0 * columns + j]) }
        let sum = terms.reduce(0.0) { $0 + product[$1] * Double(summed[$1 * rows + i]) }
        let share = terms.reduce(0.0) { $0 + product[$1] * Double(own[$1 * rows + i]) }
        #expect(Self.isClose(gradients[place], sum, terms: rank))
        let isOdd = place == 0 || place == rows * columns - 1
        let left = isOdd ? 0 : Double(before[place]) - share
        #expect(Self.isClose(errors[place], left, terms: rank))
      }
    }
  }

  /// A vector that is a multiple of another, nothing at all, or not finite is replaced.
  @Test(arguments: [1, 2, 5]) func vectorsBecomeOrthonormal(rank: Int) {
    let columns = 33
    let plain = Self.numbers(columns * rank, seed: 7)
    var odd = [plain]
    for replace in [0, -3, Float.nan, .infinity] {
      var vectors = plain
      for j in 0..<columns { vectors[(rank - 1) * columns + j] = replace * plain[j] }
      odd.append(vectors)
    }
    odd.append([Float](repeating: 0, count: columns * rank))
    for var vectors in odd {
      fst_low_rank_orthonormalize(&vectors, rank, columns, 11)
      #expect(Self.largestError(of: vectors, columns: columns) < 1e-6)
    }
  }

  /// Of vectors that lie in fewer dimensions than they are, rounding alone leaves something: it is no
  /// direction of its own, nor are the smallest numbers.
  @Test(arguments: [(4, 5), (6, 7), (8, 9), (8, 32), (3, 4)])
  func vectorsOfFewerDimensionsBecomeOrthonormal(live: Int, rank: Int) {
    let columns = 64
    for scale in [Float(1), 1e-12, 1e-38, 1e-41] {
      for seed in 0..<20 {
        let numbers = Self.numbers(live * rank, seed: UInt64(100 * live + seed))
        var vectors = [Float](repeating: 0, count: columns * rank)
        for k in 0..<rank {
          for j in 0..<live { vectors[k * columns + j] = scale * numbers[k * live + j] }
        }
        fst_low_rank_orthonormalize(&vectors, rank, columns, 11)
        let worst = Self.largestError(of: vectors, columns: columns)
        #expect(worst < 1e-6, "scale \(scale), seed \(seed)")
      }
    }
  }

  @Test func drawsAreSpreadAroundZero() {
    let values = Self.numbers(10_000, seed: 0).map(Double.init)
    let mean = values.reduce(0, +) / 10_000
    let variance = values.reduce(0) { $0 + $1 * $1 } / 10_000
    #expect(abs(mean) < 0.05 && abs(variance - 4.0 / 3) < 0.05)
    #expect(Self.numbers(100, seed: 0) != Self.numbers(100, seed: 1))
  }
}
