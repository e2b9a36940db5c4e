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
    /// The ranks.
    public var ranks: Int
    /// Wall seconds of one sum, until the last rank has it.
    public var seconds: StepBenchmark.Spread
    /// Bytes that cross each rank's link one way, per second, at the median: 2 (n - 1) / n of
    /// `bytes`, or half of that where they are compressed.
    public var busBytesPerSecond: Double {
      let sent = Double(bytes) * Double(compression.bytesPerGradient) / 4
      return 2 * Double(ranks - 1) / Double(ranks) * sent / seconds.median
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
  private let communicator: any Communicator

  /// A benchmark of `runs` sums by `plan`, after two that are not counted.
  public init(
    plan: BucketPlan, runs: Int, compression: GradientCompression = .none,
    communicator: any Communicator
  ) {
    self.plan = plan
    self.compression = compression
    self.runs = runs
    self.communicator = communicator
  }

  /// The plan of the gradients of `model` with `width` planes in its first stage.
  public static func plan(_ model: NetworkKind, width: Int) -> BucketPlan {
    let network = Network(
      model, width: width, classCount: 10,
      inputShape: Shape(batch: 0, height: 32, width: 32, channels: 3))
    return BucketPlan(sizesInReadyOrder: network.store.plan.parameters.reversed().map(\.count))
  }

  /// Verifies one sum, then times the others; all ranks together.
  public func run() throws -> Report {
    let buffer = FloatBuffer(count: plan.count)
    let reducer = GradientReducer(
      communicator: communicator, gradients: buffer, plan: plan, compression: compression)
    for index in 0..<buffer.count { buffer.pointer[index] = Float(communicator.rank + index % 64) }
    try reducer.reduce()
    try verify(buffer)
    buffer.clear()
    var walls: [Double] = []
    for run in 0..<runs + 2 {
      try communicator.barrier()
      let start = ContinuousClock.now
      try reducer.reduce()
      try communicator.barrier()
      if run >= 2 { walls.append((ContinuousClock.now - start).seconds) }
    }
    return Report(
      bytes: plan.count * MemoryLayout<Float>.stride, buckets: plan.buckets.count,
      compression: compression, ranks: communicator.worldSize, seconds: StepBenchmark.Spread(walls))
  }

  /// Rank r sends r + i mod 64 at position i: small integers, whose sums are exact; as halves only
  /// up to 2048, and beyond that within their precision.
  private func verify(_ buffer: FloatBuffer) throws {
    let world = communicator.worldSize
    let ranks = world * (world - 1) / 2
    let tolerance: Float = compression == .none ? 0 : 0x1p-11
    for index in 0..<buffer.count {
      let expected = Float(ranks + world * (index % 64))
      if abs(buffer.pointer[index] - expected) <= tolerance * expected { continue }
      throw WrongSum(
        description: "the sum at \(index) is \(buffer.pointer[index]), expected \(expected)")
    }
  }
}
