import Distributed

/// Times the sum of a network's gradients over the ranks, in the buckets of training.
public struct AllReduceBenchmark {
  /// What was measured.
  public struct Report: Sendable {
    /// Bytes that each rank has summed.
    public var bytes: Int
    /// The buckets they travel in.
    public var buckets: Int
    /// How they travel.
    public var compression: GradientCompression
    /// The bytes that they are then.
    public var compressedBytes: Int
    /// The ranks.
    public var ranks: Int
    /// Wall seconds of one sum, until the last rank has it.
    public var seconds: StepBenchmark.Spread
    /// Bytes that cross each rank's link one way, per second, at the median: 2 (n - 1) / n of
    /// `compressedBytes`.
    public var busBytesPerSecond: Double {
      2 * Double(ranks - 1) / Double(ranks) * Double(compressedBytes) / seconds.median
    }
  }

  /// The sum is not what it must be.
  public struct WrongSum: Error, CustomStringConvertible {
    /// One line.
    public var description: String
  }

  private let plan: BucketPlan
  private let runs: Int
  private let compression: GradientCompression
  private let powerSGDRank: Int
  private let communicator: any Communicator

  /// A benchmark of `runs` sums by `plan`, after two that are not counted.
  public init(
    plan: BucketPlan, runs: Int, compression: GradientCompression = .none,
    powerSGDRank: Int = PowerSGDSettings().rank, communicator: any Communicator
  ) {
    self.plan = plan
    (self.compression, self.powerSGDRank) = (compression, powerSGDRank)
    self.runs = runs
    self.communicator = communicator
  }

  /// The plan of the gradients of `model` with `width` planes in its first stage, for
  /// `compression`.
  public static func plan(
    _ model: NetworkKind, width: Int, for compression: GradientCompression = .none
  ) -> BucketPlan {
    let network = Network(
      model, width: width, classCount: 10,
      inputShape: Shape(batch: 0, height: 32, width: 32, channels: 3))
    return BucketPlan(network.store.plan.parameters, for: compression)
  }

  /// Verifies one sum, then times the others; all ranks together.
  public func run() throws -> Report {
    let buffer = FloatBuffer(count: plan.count)
    let reducer = GradientReducer(
      communicator: communicator, gradients: buffer, plan: plan, compression: compression,
      powerSGD: PowerSGDSettings(rank: powerSGDRank, start: 0))
    fill(buffer)
    try reducer.reduce()
    try verify(buffer)
    var walls: [Double] = []
    for run in 0..<runs + 2 {
      fill(buffer)
      try communicator.barrier()
      let start = ContinuousClock.now
      try reducer.reduce()
      try communicator.barrier()
      if run >= 2 { walls.append((ContinuousClock.now - start).seconds) }
    }
    return Report(
      bytes: plan.count * MemoryLayout<Float>.stride, buckets: plan.buckets.count,
      compression: compression, compressedBytes: reducer.compressedBytes,
      ranks: communicator.worldSize, seconds: StepBenchmark.Spread(walls))
  }

  /// Rank r's gradient in row i and column j of a slot is (1 + (r + i) mod 8) (1 + j mod 8): a small
  /// integer, and a matrix of rank 1 even in the sum.
  private func fill(_ buffer: FloatBuffer) {
    forEachPlace { place, row, column in
      buffer.pointer[place] = Float(1 + (communicator.rank + row) & 7) * Float(1 + column & 7)
    }
  }

  /// Sums of floats are exact, those of 16 bits only while they are small, and beyond that within
  /// their precision; matrices of rank 1 come back but for rounding.
  private func verify(_ buffer: FloatBuffer) throws {
    let ofRow = (0..<8).map { row in
      (0..<communicator.worldSize).reduce(0) { $0 + 1 + ($1 + row) & 7 }
    }
    var wrong: WrongSum?
    forEachPlace { place, row, column in
      let (found, expected) = (buffer.pointer[place], Float(ofRow[row & 7] * (1 + column & 7)))
      if abs(found - expected) <= tolerance(of: expected) || wrong != nil { return }
      wrong = WrongSum(description: "the sum at \(place) is \(found), expected \(expected)")
    }
    if let wrong { throw wrong }
  }

  private func tolerance(of sum: Float) -> Float {
    switch compression {
    case .none: 0
    case .fp16: sum * 0x1p-11
    case .bf16: sum * 0x1p-8
    case .powersgd: Float(64 * communicator.worldSize) * 0x1p-13
    }
  }

  /// Calls `body` with each position of the buffer, and its row and column in its slot.
  private func forEachPlace(_ body: (_ place: Int, _ row: Int, _ column: Int) -> Void) {
    for (slot, rows) in zip(plan.slots, plan.rows) where !slot.isEmpty {
      let columns = slot.count / rows
      for row in 0..<rows {
        for column in 0..<columns { body(slot.lowerBound + row * columns + column, row, column) }
      }
    }
  }
}
