import Distributed
import Testing

@Suite struct CompressedSumTests {
  /// The sums of each step on each rank, where `gradient` gives a rank's gradients of a step.
  private static func sums(
    worldSize: Int, count: Int, steps: Int, compression: GradientCompression = .fp16,
    _ gradient: @escaping @Sendable (_ rank: Int, _ step: Int, _ index: Int) -> Float
  ) throws -> [[[Float]]] {
    try LocalGroup.run(worldSize: worldSize) { communicator in
      let gradients = FloatBuffer(count: count)
      let reducer = GradientReducer(
        communicator: communicator, gradients: gradients,
        plan: BucketPlan(sizesInReadyOrder: [count], edgeCap: 20, cap: 68), compression: compression
      )
      return try (0..<steps).map { step in
        for index in 0..<count {
          gradients.pointer[index] = gradient(communicator.rank, step, index)
        }
        try reducer.reduce()
        return gradients.array
      }
    }
  }

  /// What a step loses comes later.
  ///
  /// After n steps only the errors kept are missing, each within half a unit in a number's last
  /// place, for the ranks' gradients together and for their sum. Plain rounding, which is the first
  /// step, loses more than that at almost every number.
  @Test(arguments: [2, 3, 4], [GradientCompression.fp16, .bf16])
  func theMeanOverManyStepsIsTheTrueSum(worldSize: Int, compression: GradientCompression) throws {
    let (count, steps) = (101, 256)
    let halfUnit = compression == .fp16 ? 0x1p-11 : 0x1p-8
    func value(_ rank: Int, _ index: Int) -> Float { 1 / Float(3 + 7 * rank + index) }
    let found = try Self.sums(
      worldSize: worldSize, count: count, steps: steps, compression: compression
    ) { rank, _, index in 1 / Float(3 + 7 * rank + index) }[0]
    var plainBeyond = 0
    for index in 0..<count {
      let sum = (0..<worldSize).reduce(0.0) { $0 + Double(value($1, index)) }
      let mean = found.reduce(0.0) { $0 + Double($1[index]) } / Double(steps)
      let bound = 1.05 * 2 * halfUnit * sum / Double(steps)
      #expect(abs(mean - sum) <= bound, "\(mean) for \(sum)")
      if abs(Double(found[0][index]) - sum) > bound { plainBeyond += 1 }
    }
    #expect(plainBeyond > count * 9 / 10)
  }

  @Test(arguments: [2, 3, 4], [1, 2, 5, 101]) func replicasAreBitEqual(
    worldSize: Int, count: Int
  ) throws {
    for compression in [GradientCompression.fp16, .bf16] {
      let ranks = try Self.sums(
        worldSize: worldSize, count: count, steps: 8, compression: compression
      ) { rank, step, index in
        (rank + step).isMultiple(of: 2) ? 1 / Float(3 + rank + index) : -1e-6 * Float(index + step)
      }
      for rank in ranks { #expect(rank == ranks[0]) }
    }
  }

  /// 65,504 is the largest half: the rest of a larger gradient, or sum, comes with the next step.
  @Test(arguments: [(100_000, 0), (60_000, 40_000)]) func whatSaturatesComesWithTheNextStep(
    first: Int, second: Int
  ) throws {
    let found = try Self.sums(worldSize: 2, count: 3, steps: 3) { rank, step, index in
      step > 0 ? 0 : Float(rank == 0 ? first : second) * (index == 1 ? -1 : 1)
    }[1]
    #expect(found[0] == [65_504, -65_504, 65_504])
    #expect(found[1] == [34_496, -34_496, 34_496])
    #expect(found[2] == [0, 0, 0])
  }

  /// As bfloat16 large gradients are no different, and integers up to 256 are exact.
  @Test func bfloatsHaveAFloatsRange() throws {
    let found = try Self.sums(worldSize: 2, count: 3, steps: 2, compression: .bf16) { rank, _, i in
      [100_352, 1e30, Float(100 * rank + 28)][i]
    }[0]
    #expect(found[0][0] == 200_704 && abs(found[0][1] / 2e30 - 1) <= 0x1p-8 && found[0][2] == 156)
  }

  /// A gradient that is not finite shows, and does not stay in the errors.
  @Test(arguments: [GradientCompression.fp16, .bf16])
  func infinitiesAndNaNPassThrough(compression: GradientCompression) throws {
    let found = try Self.sums(worldSize: 3, count: 3, steps: 2, compression: compression) {
      rank, step, index in
      step > 0 || rank != 1 ? 1 : [Float.infinity, .nan, -.infinity][index]
    }[2]
    #expect(found[0][0] == .infinity && found[0][1].isNaN && found[0][2] == -.infinity)
    #expect(found[1] == [3, 3, 3])
  }

  @Test func aWorldOfOneIsLeftAsItIs() throws {
    let gradients = FloatBuffer([0.1, 1e9])
    try GradientReducer(
      communicator: SoloCommunicator(), gradients: gradients,
      plan: BucketPlan(sizesInReadyOrder: [2]), compression: .fp16
    ).reduce()
    #expect(gradients.array == [0.1, 1e9])
  }
}
