import Distributed

/// A collective gave another result than its closed form says.
public struct LawBroken: Error, CustomStringConvertible {
  /// Which law, on which rank, with what found and expected.
  public let description: String
}

/// What every communicator must do, with data whose result is known in closed form.
///
/// Rank r sends r * 1000 + i at position i; all results are integers below 2^24 (or 2^53), so
/// equality is exact. Each law is called on all ranks and throws `LawBroken` where the result
/// differs.
public enum CollectiveLaws {
  /// Checks all laws with `count` elements on `communicator`.
  public static func checkAll(_ communicator: any Communicator, count: Int) throws {
    try floatsAreSummed(communicator, count: count)
    try doublesAreSummed(communicator, count: count)
    try countsAreSummedExactly(communicator, count: count)
    try maximumIsTheLargest(communicator)
    try broadcastReachesAllFromEveryRoot(communicator, count: count)
    try gatherKeepsRankOrderAndLengths(communicator, count: count)
    try reducedBucketsEqualOneSum(communicator, count: count)
    try exchangedSlicesComeInRankOrder(communicator, count: count)
    try gatheredSlicesStandInTheirPlaces(communicator, count: count)
    for compression in [GradientCompression.fp16, .bf16] {
      try compressedSumsAreExactWhereNumbersAre(communicator, count: count, compression)
    }
    try lowRankSumsAreExactWhereRanksAre(communicator, count: count)
    try sumHasTheSameBitsEverywhere(communicator, count: count)
    try communicator.barrier()
  }

  private static let stride = 1000

  /// The sum over all ranks r of r * stride + index.
  private static func sum(_ worldSize: Int, _ index: Int) -> Int {
    stride * worldSize * (worldSize - 1) / 2 + worldSize * index
  }

  private static func expect<Value: Equatable>(
    _ found: [Value], _ expected: [Value], _ law: String, _ communicator: any Communicator
  ) throws {
    guard found != expected else { return }
    let place = zip(found, expected).enumerated().first { $0.element.0 != $0.element.1 }
    throw LawBroken(
      description: "\(law): rank \(communicator.rank) of \(communicator.worldSize), "
        + (place.map { "found \($0.element.0), expected \($0.element.1) at \($0.offset)" }
          ?? "found \(found.count) values, expected \(expected.count)"))
  }

  /// allReduceSum of floats.
  public static func floatsAreSummed(_ communicator: any Communicator, count: Int) throws {
    let buffer = FloatBuffer((0..<count).map { Float(communicator.rank * stride + $0) })
    try communicator.allReduceSum(buffer.floats)
    let expected = (0..<count).map { Float(sum(communicator.worldSize, $0)) }
    try expect(buffer.array, expected, "floatsAreSummed", communicator)
  }

  /// allReduceSum of doubles.
  public static func doublesAreSummed(_ communicator: any Communicator, count: Int) throws {
    var values = (0..<count).map { Double(communicator.rank * stride + $0) }
    try communicator.allReduceSum(&values)
    let expected = (0..<count).map { Double(sum(communicator.worldSize, $0)) }
    try expect(values, expected, "doublesAreSummed", communicator)
  }

  /// allReduceSum of counts, near 2^60, where a sum in floating point would round.
  public static func countsAreSummedExactly(_ communicator: any Communicator, count: Int) throws {
    let large: Int64 = (1 << 59) / Int64(communicator.worldSize)
    var counts = (0..<count).map { large + Int64(communicator.rank * stride + $0) }
    try communicator.allReduceSum(&counts)
    let expected = (0..<count).map {
      large * Int64(communicator.worldSize) + Int64(sum(communicator.worldSize, $0))
    }
    try expect(counts, expected, "countsAreSummedExactly", communicator)
  }

  /// allReduceMaximum, of positive and negative values, the largest on each rank in turn.
  public static func maximumIsTheLargest(_ communicator: any Communicator) throws {
    for winner in 0..<communicator.worldSize {
      for base: Int64 in [-1_000_000, 0, 1 << 40] {
        let value = base + (communicator.rank == winner ? 100 : Int64(communicator.rank))
        let found = try communicator.allReduceMaximum(value)
        try expect([found], [base + 100], "maximumIsTheLargest", communicator)
      }
    }
  }

  /// broadcast of `count` bytes from each rank in turn.
  public static func broadcastReachesAllFromEveryRoot(
    _ communicator: any Communicator, count: Int
  ) throws {
    for root in 0..<communicator.worldSize {
      var bytes = (0..<count).map { UInt8(truncatingIfNeeded: communicator.rank * 31 + $0) }
      try bytes.withUnsafeMutableBytes { try communicator.broadcast($0, from: root) }
      let expected = (0..<count).map { UInt8(truncatingIfNeeded: root * 31 + $0) }
      try expect(bytes, expected, "broadcastReachesAllFromEveryRoot", communicator)
    }
  }

  /// allGather of r * `count` bytes from rank r: nothing at all from rank 0.
  public static func gatherKeepsRankOrderAndLengths(
    _ communicator: any Communicator, count: Int
  ) throws {
    func bytes(_ rank: Int) -> [UInt8] {
      (0..<rank * count).map { UInt8(truncatingIfNeeded: rank * 31 + $0) }
    }
    let found = try communicator.allGather(bytes(communicator.rank))
    let expected = (0..<communicator.worldSize).map(bytes)
    try expect(found, expected, "gatherKeepsRankOrderAndLengths", communicator)
  }

  /// Slices of `count` numbers, one for each rank, of uneven lengths.
  private static func slices(_ worldSize: Int, _ count: Int) -> [Range<Int>] {
    (0..<worldSize).map { count * $0 / worldSize..<count * ($0 + 1) / worldSize }
  }

  /// allToAll of `count` bytes in slices.
  public static func exchangedSlicesComeInRankOrder(
    _ communicator: any Communicator, count: Int
  ) throws {
    let slices = slices(communicator.worldSize, count)
    let mine = slices[communicator.rank]
    let sent = (0..<count).map { UInt8(truncatingIfNeeded: communicator.rank * 31 + $0) }
    var received = [UInt8](repeating: 0, count: mine.count * communicator.worldSize)
    try sent.withUnsafeBytes { sent in
      try received.withUnsafeMutableBytes {
        try communicator.allToAll(sent, slices: slices, received: $0)
      }
    }
    let expected = (0..<communicator.worldSize).flatMap { rank in
      mine.map { UInt8(truncatingIfNeeded: rank * 31 + $0) }
    }
    try expect(received, expected, "exchangedSlicesComeInRankOrder", communicator)
  }

  /// allGather of slices of `count` bytes in place.
  public static func gatheredSlicesStandInTheirPlaces(
    _ communicator: any Communicator, count: Int
  ) throws {
    let slices = slices(communicator.worldSize, count)
    var bytes = [UInt8](repeating: 255, count: count)
    for index in slices[communicator.rank] {
      bytes[index] = UInt8(truncatingIfNeeded: communicator.rank * 31 + index)
    }
    try bytes.withUnsafeMutableBytes { try communicator.allGather(slices, in: $0) }
    let expected = slices.enumerated().flatMap { rank, slice in
      slice.map { UInt8(truncatingIfNeeded: rank * 31 + $0) }
    }
    try expect(bytes, expected, "gatheredSlicesStandInTheirPlaces", communicator)
  }

  /// GradientReducer with 16 bits: rank r sends r + i mod m, and sums below 2048, as bfloat16 below
  /// 256, are exact.
  public static func compressedSumsAreExactWhereNumbersAre(
    _ communicator: any Communicator, count: Int, _ compression: GradientCompression
  ) throws {
    let modulus = compression == .fp16 ? 64 : 16
    let buffer = FloatBuffer(count: count)
    let plan = BucketPlan(
      sizesInReadyOrder: [count / 2, count - count / 2 - count / 3, count / 3], edgeCap: 40,
      cap: 1000)
    let reducer = GradientReducer(
      communicator: communicator, gradients: buffer, plan: plan, compression: compression)
    let world = communicator.worldSize
    let expected = (0..<count).map { Float(world * (world - 1) / 2 + world * ($0 % modulus)) }
    for _ in 0..<3 {
      for index in 0..<count { buffer.pointer[index] = Float(communicator.rank + index % modulus) }
      try reducer.reduce()
      try expect(buffer.array, expected, "compressedSumsAreExactWhereNumbersAre", communicator)
    }
  }

  /// GradientReducer with PowerSGD, of a vector and a matrix of 16 rows: rank r sends
  /// (1 + r + i) (1 + j mod 8) in row i and column j, and the sum of rank 1 is exact but for rounding.
  public static func lowRankSumsAreExactWhereRanksAre(
    _ communicator: any Communicator, count: Int
  ) throws {
    let buffer = FloatBuffer(count: 16 * count + 3)
    let reducer = GradientReducer(
      communicator: communicator, gradients: buffer,
      plan: BucketPlan(
        sizesInReadyOrder: [3, 16 * count], rowsInReadyOrder: [1, 16], cutsSlots: false),
      compression: .powersgd, powerSGD: PowerSGDSettings(rank: 2, start: 0))
    let world = communicator.worldSize
    func factor(_ place: Int) -> Int { 1 + place % max(count, 1) % 8 }
    func row(_ place: Int) -> Int { 1 + place / max(count, 1) }
    let expected = (0..<buffer.count).map {
      Float((world * (world - 1) / 2 + world * row($0)) * factor($0))
    }
    for _ in 0..<3 {
      for place in 0..<buffer.count {
        buffer.pointer[place] = Float((communicator.rank + row(place)) * factor(place))
      }
      try reducer.reduce()
      try expect(
        buffer.array.map { $0.rounded() }, expected, "lowRankSumsAreExactWhereRanksAre",
        communicator)
    }
  }

  /// GradientReducer over slots of uneven sizes: the same as one sum over the whole buffer.
  public static func reducedBucketsEqualOneSum(
    _ communicator: any Communicator, count: Int
  ) throws {
    let buffer = FloatBuffer((0..<count).map { Float(communicator.rank * stride + $0) })
    let plan = BucketPlan(
      sizesInReadyOrder: [count / 2, count - count / 2 - count / 3, count / 3], edgeCap: 40,
      cap: 1000)
    try GradientReducer(communicator: communicator, gradients: buffer, plan: plan).reduce()
    let expected = (0..<count).map { Float(sum(communicator.worldSize, $0)) }
    try expect(buffer.array, expected, "reducedBucketsEqualOneSum", communicator)
  }

  /// Sums that round, compared bit for bit between the ranks.
  public static func sumHasTheSameBitsEverywhere(
    _ communicator: any Communicator, count: Int
  ) throws {
    let buffer = FloatBuffer((0..<count).map { 1 / Float(3 + communicator.rank * 7 + $0) })
    try communicator.allReduceSum(buffer.floats)
    try ReplicaCheck.verify(buffer, layout: "\(count)", subject: "sum", on: communicator)
    for compression in GradientCompression.allCases {
      let isCut = compression != .powersgd
      let reducer = GradientReducer(
        communicator: communicator, gradients: buffer,
        plan: BucketPlan(
          sizesInReadyOrder: [count], rowsInReadyOrder: [count == 1000 ? 25 : 1], edgeCap: 40,
          cap: 1000, cutsSlots: isCut),
        compression: compression, powerSGD: PowerSGDSettings(rank: 2, start: 1))
      for step in 0..<5 {
        for index in 0..<count {
          buffer.pointer[index] = 1 / Float(3 + communicator.rank * 7 + index + step)
        }
        try reducer.reduce()
        try ReplicaCheck.verify(
          buffer, layout: "\(count)", subject: "\(compression) sum", on: communicator)
      }
    }
  }
}
