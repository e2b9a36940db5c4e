import CompressionShim
import Distributed
import Testing

@Suite struct LowRankSumTests {
  private typealias Gradient = @Sendable (_ rank: Int, _ step: Int, _ i: Int, _ j: Int) -> Float

  /// The sums of each step on each rank of a matrix of `rows` x `columns`, and of a vector of 5
  /// behind it that holds each rank's 1, 2, 3, 4, 5.
  private static func sums(
    worldSize: Int, rows: Int, columns: Int, settings: PowerSGDSettings, steps: Int,
    compression: GradientCompression = .powersgd, _ gradient: @escaping Gradient
  ) throws -> [[[Float]]] {
    try LocalGroup.run(worldSize: worldSize) { communicator in
      let gradients = FloatBuffer(count: rows * columns + 5)
      let reducer = GradientReducer(
        communicator: communicator, gradients: gradients,
        plan: BucketPlan(
          sizesInReadyOrder: [5, rows * columns], rowsInReadyOrder: [1, rows], cutsSlots: false),
        compression: compression, powerSGD: settings)
      return try (0..<steps).map { step in
        for i in 0..<rows {
          for j in 0..<columns {
            gradients.pointer[i * columns + j] = gradient(communicator.rank, step, i, j)
          }
        }
        for k in 0..<5 { gradients.pointer[rows * columns + k] = Float(k + 1) }
        try reducer.reduce()
        guard
          (0..<5).allSatisfy({
            gradients.pointer[rows * columns + $0] == Float(worldSize * ($0 + 1))
          })
        else { throw Broken(description: "the vector's sum is wrong") }
        return Array(gradients.array.dropLast(5))
      }
    }
  }

  /// A number of -1 to 1, keyed by what it is for.
  private static func noise(_ keys: Int...) -> Float {
    var seed: UInt64 = 0
    for key in keys { seed = (seed ^ UInt64(key + 1)) &* 0x9E37_79B9_7F4A_7C15 }
    var value: Float = 0
    fst_low_rank_draw(&value, 1, seed)
    return value / 4
  }

  private static func trueSum(
    _ worldSize: Int, _ rows: Int, _ columns: Int, _ step: Int, _ gradient: Gradient
  ) -> [Double] {
    (0..<rows * columns).map { place in
      (0..<worldSize).reduce(0.0) {
        $0 + Double(gradient($1, step, place / columns, place % columns))
      }
    }
  }

  /// The largest difference, against the largest number expected.
  private static func distance(_ found: [Double], _ expected: [Double]) -> Double {
    let differences = zip(found, expected).map { abs($0 - $1) }
    return (differences.max() ?? 0) / (expected.map { abs($0) }.max() ?? 1)
  }

  /// Columns that fill no vector too; each rank has factors of rows of its own.
  ///
  /// How exact the first sum is hangs on how the factor was drawn; from the second on all that was
  /// summed is within rounding.
  @Test(arguments: [2, 3], [(1, 40, 24), (2, 43, 27), (3, 40, 24), (5, 48, 31)])
  func aSumOfLowRankIsExact(worldSize: Int, shape: (rank: Int, rows: Int, columns: Int)) throws {
    let (rank, rows, columns) = shape
    let gradient: Gradient = { member, _, i, j in
      (0..<rank).reduce(0) { $0 + Self.noise(0, member, $1, i) * Self.noise(1, $1, j) }
    }
    let found = try Self.sums(
      worldSize: worldSize, rows: rows, columns: columns,
      settings: PowerSGDSettings(rank: rank, start: 0), steps: 4, gradient)[0]
    let expected = Self.trueSum(worldSize, rows, columns, 0, gradient)
    var summed = expected.map { _ in 0.0 }
    for (step, sum) in found.enumerated() {
      summed = zip(summed, sum).map { $0 + Double($1) }
      let distance = Self.distance(summed, expected.map { Double(step + 1) * $0 })
      #expect(distance < (step == 0 ? 2e-4 : 1e-5), "step \(step): \(distance)")
    }
  }

  /// The paper's formula in doubles, with an equal share of the result taken from each rank's error
  /// as PyTorch does: the results are the same.
  @Test(arguments: [2, 3]) func resultsAreThoseOfTheFormula(worldSize: Int) throws {
    let (rank, rows, columns) = (2, 20, 16)
    let gradient: Gradient = { Self.noise($0, $1, $2, $3) }
    let found = try Self.sums(
      worldSize: worldSize, rows: rows, columns: columns,
      settings: PowerSGDSettings(rank: rank, start: 0), steps: 4, gradient)[0]
    var drawn = [Float](repeating: 0, count: rows * rank)
    fst_low_rank_draw(&drawn, rows * rank, 0)
    var formula = Formula(
      rows: rows, columns: columns, rank: rank, worldSize: worldSize, drawn: drawn)
    for (step, sum) in found.enumerated() {
      let expected = formula.sum(
        (0..<worldSize).map { member in
          (0..<rows * columns).map { Double(gradient(member, step, $0 / columns, $0 % columns)) }
        })
      let distance = Self.distance(sum.map(Double.init), expected)
      #expect(distance < 1e-5, "step \(step): \(distance)")
      let whole = Self.trueSum(worldSize, rows, columns, step, gradient)
      #expect(Self.distance(sum.map(Double.init), whole) > 0.1, "nothing was lost")
    }
  }

  /// What a step loses comes later: only the errors kept are missing after n steps, and these do
  /// not grow.
  @Test(arguments: [2, 3]) func theMeanOverManyStepsIsTheTrueSum(worldSize: Int) throws {
    let (rows, columns) = (16, 12)
    let gradient: Gradient = { member, _, i, j in Self.noise(member, i, j) }
    let found = try Self.sums(
      worldSize: worldSize, rows: rows, columns: columns,
      settings: PowerSGDSettings(rank: 1, start: 0), steps: 400, gradient)[0]
    let expected = Self.trueSum(worldSize, rows, columns, 0, gradient)
    func distance(_ steps: Int) -> Double {
      let mean = (0..<rows * columns).map { place in
        found.prefix(steps).reduce(0.0) { $0 + Double($1[place]) } / Double(steps)
      }
      return Self.distance(mean, expected)
    }
    #expect(distance(1) > 0.3 && distance(100) < 0.2 && distance(400) < 0.05)
    #expect(distance(400) < distance(100) / 2, "\(distance(1)) \(distance(100)) \(distance(400))")
  }

  @Test(arguments: [2, 3, 4], [1, 2, 4, 6]) func replicasAreBitEqual(
    worldSize: Int, rank: Int
  ) throws {
    let ranks = try Self.sums(
      worldSize: worldSize, rows: 50, columns: 37,
      settings: PowerSGDSettings(rank: rank, start: 0), steps: 5
    ) { Self.noise($0, $1, $2, $3) }
    for found in ranks { #expect(found == ranks[0]) }
  }

  @Test func runsRepeatBitForBit() throws {
    let runs = try (0..<2).map { _ in
      try Self.sums(
        worldSize: 3, rows: 50, columns: 37, settings: PowerSGDSettings(rank: 2, start: 1),
        steps: 4
      ) { Self.noise($0, $1, $2, $3) }
    }
    #expect(runs[0] == runs[1])
  }

  @Test func beforeTheStartGradientsTravelAsTheyAre() throws {
    let gradient: Gradient = { Self.noise($0, $1, $2, $3) }
    func sums(_ compression: GradientCompression) throws -> [[Float]] {
      try Self.sums(
        worldSize: 3, rows: 20, columns: 16, settings: PowerSGDSettings(rank: 1, start: 3),
        steps: 5, compression: compression, gradient)[1]
    }
    let (plain, found) = (try sums(.none), try sums(.powersgd))
    #expect(found[..<3] == plain[..<3])
    #expect(found[3] != plain[3] && found[4] != plain[4])
  }

  /// The steps that a run had taken before count: a resumed one compresses at once.
  @Test(arguments: [(2, true), (3, false), (5000, false)]) func theStartIsTheRunsOwn(
    before: Int, isPlain: Bool
  ) throws {
    let bytes = try LocalGroup.run(worldSize: 2) { communicator in
      let reducer = GradientReducer(
        communicator: communicator, gradients: FloatBuffer(count: 400),
        plan: BucketPlan(sizesInReadyOrder: [400], rowsInReadyOrder: [20], cutsSlots: false),
        compression: .powersgd, powerSGD: PowerSGDSettings(rank: 1, start: 3))
      reducer.begin(afterSteps: before)
      reducer.markAllReady()
      try reducer.finish()
      return reducer.report.buckets.map(\.bytes)
    }
    #expect(bytes == [[isPlain ? 1600 : 160], [isPlain ? 1600 : 160]])
  }

  /// What is handed over later travels as its own step's buckets do, not as those of the next.
  @Test func deferredBucketsTravelAsTheirStepDoes() throws {
    let bytes = try LocalGroup.run(worldSize: 2) { communicator in
      let gradients = FloatBuffer(count: 800)
      let reducer = GradientReducer(
        communicator: communicator, gradients: gradients,
        plan: BucketPlan(
          sizesInReadyOrder: [400, 400], rowsInReadyOrder: [20, 20], edgeCap: 1600, cap: 1600,
          cutsSlots: false),
        compression: .powersgd, powerSGD: PowerSGDSettings(rank: 1, start: 1), deferred: 1..<2)
      var bytes: [Int] = []
      for step in 0..<2 {
        reducer.beginDeferred()
        reducer.begin(afterSteps: step)
        try reducer.finishDeferred()
        bytes += reducer.report.buckets.map(\.bytes)
        for place in 0..<800 { gradients.pointer[place] = Float(1 + place % 20) }
        reducer.markAllReady()
        try reducer.finish()
        bytes += reducer.report.buckets.dropFirst(step).map(\.bytes)
      }
      try reducer.finishDeferred()
      for place in 0..<800
      where abs(gradients.pointer[place] - Float(2 + 2 * (place % 20))) > 1e-4 {
        throw Broken(description: "\(gradients.pointer[place]) at \(place)")
      }
      return bytes + reducer.report.buckets.dropFirst(2).map(\.bytes)
    }
    for found in bytes { #expect(found == [1600, 1600, 160, 160]) }
  }

  /// A gradient that is not finite shows, and does not stay in the errors.
  @Test(arguments: [Float.nan, .infinity]) func whatIsNotFiniteShowsAndGoes(odd: Float) throws {
    let found = try Self.sums(
      worldSize: 2, rows: 20, columns: 16, settings: PowerSGDSettings(rank: 1, start: 0), steps: 2
    ) { member, step, i, j in
      step == 0 && member == 1 && i == 3 && j == 4 ? odd : Float(i + 1) * Float(j + 1)
    }[0]
    #expect(found[0].contains { !$0.isFinite })
    #expect(found[1].allSatisfy { $0.isFinite })
  }

  /// Nothing at all has no direction to go on from.
  @Test func gradientsThatWereZeroAreSeenAgain() throws {
    let gradient: Gradient = { member, step, i, j in
      step < 2 ? 0 : Float(member + 1) * Float(i + 1) * Float(j - 7)
    }
    let found = try Self.sums(
      worldSize: 2, rows: 20, columns: 16, settings: PowerSGDSettings(rank: 2, start: 0), steps: 3,
      gradient)[1]
    #expect(found[0].allSatisfy { $0 == 0 } && found[1].allSatisfy { $0 == 0 })
    let expected = Self.trueSum(2, 20, 16, 2, gradient)
    #expect(Self.distance(found[2].map(Double.init), expected) < 1e-5)
  }
}

/// PowerSGD of one matrix as published, on all ranks at once, in doubles.
private struct Formula {
  let rows: Int
  let columns: Int
  let rank: Int
  var errors: [[Double]]
  var down: [Double]

  init(rows: Int, columns: Int, rank: Int, worldSize: Int, drawn: [Float]) {
    (self.rows, self.columns, self.rank) = (rows, columns, rank)
    errors = Array(repeating: Array(repeating: 0, count: rows * columns), count: worldSize)
    down = drawn.map(Double.init)
  }

  /// The sum of the ranks' `gradients`, as far as the factors reach.
  mutating func sum(_ gradients: [[Double]]) -> [Double] {
    let matrices = zip(gradients, errors).map { zip($0, $1).map { $0 + $1 } }
    let all = (0..<rows * columns).map { place in matrices.reduce(0) { $0 + $1[place] } }
    var across = (0..<rank).map { k in
      (0..<columns).map { j in
        (0..<rows).reduce(0) { $0 + all[$1 * columns + j] * down[k * rows + $1] }
      }
    }
    for k in 0..<rank {
      for l in 0..<k {
        let share = zip(across[k], across[l]).reduce(0) { $0 + $1.0 * $1.1 }
        across[k] = zip(across[k], across[l]).map { $0 - share * $1 }
      }
      let length = across[k].reduce(0) { $0 + $1 * $1 }.squareRoot()
      across[k] = across[k].map { $0 / length }
    }
    for i in 0..<rows {
      for k in 0..<rank {
        down[k * rows + i] = (0..<columns).reduce(0) { $0 + all[i * columns + $1] * across[k][$1] }
      }
    }
    let result = (0..<rows * columns).map { place in
      (0..<rank).reduce(0) { $0 + down[$1 * rows + place / columns] * across[$1][place % columns] }
    }
    errors = matrices.map { zip($0, result).map { $0 - $1 / Double(errors.count) } }
    return result
  }
}
