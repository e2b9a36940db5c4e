import Core
import Distributed
import Testing

/// Training with gradients as halves, against the same with floats.
@Suite struct CompressedTrainingTests {
  private static func train(
    worldSize: Int, compression: GradientCompression
  ) throws -> [DataParallelTests.Trace] {
    try DataParallelTests.train(
      worldSize: worldSize, steps: 16, sharesStatistics: false, width: 8, learningRate: 0.02,
      compression: compression)
  }

  /// Within 1 % at each step: the loss falls by half in these 16 steps.
  @Test(arguments: [2, 3]) func theLossIsTheSameWithinOnePercent(worldSize: Int) throws {
    let plain = try Self.train(worldSize: worldSize, compression: .none)[0].losses
    let compressed = try Self.train(worldSize: worldSize, compression: .fp16)[0].losses
    for (step, (a, b)) in zip(plain, compressed).enumerated() {
      #expect(abs(a - b) <= 0.01 * a, "step \(step): \(a) with floats, \(b) with halves")
    }
    #expect(plain != compressed)
  }

  @Test(arguments: [2, 3, 4]) func replicasAreBitEqualAtEveryStep(worldSize: Int) throws {
    let traces = try Self.train(worldSize: worldSize, compression: .fp16)
    for trace in traces { #expect(trace.checksums == traces[0].checksums) }
  }
}
