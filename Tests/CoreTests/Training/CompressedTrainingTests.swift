import Core
import Distributed
import Testing

/// Training with gradients as halves, against the same with floats.
@Suite struct CompressedTrainingTests {
  private static func train(
    worldSize: Int, compression: GradientCompression
  ) throws -> [DataParallelTests.Trace] {
    try DataParallelTests.train(
      worldSize: worldSize, steps: 20, sharesStatistics: false, width: 8, learningRate: 0.005,
      compression: compression, repeatsBatch: true)
  }

  /// Along one batch the loss falls to less than half in 20 steps, and at each differs by at most
  /// 2 % of the first one.
  @Test(arguments: [2, 3]) func theLossIsTheSameWithinTwoPercentOfTheFirst(worldSize: Int) throws {
    let plain = try Self.train(worldSize: worldSize, compression: .none)[0].losses
    let compressed = try Self.train(worldSize: worldSize, compression: .fp16)[0].losses
    for (step, (a, b)) in zip(plain, compressed).enumerated() {
      #expect(abs(a - b) <= 0.02 * plain[0], "step \(step): \(a) with floats, \(b) with halves")
    }
    #expect(plain != compressed)
    #expect(compressed[19] < compressed[0] / 2, "\(compressed)")
  }

  @Test(arguments: [2, 3, 4]) func replicasAreBitEqualAtEveryStep(worldSize: Int) throws {
    let traces = try Self.train(worldSize: worldSize, compression: .fp16)
    for trace in traces { #expect(trace.checksums == traces[0].checksums) }
  }
}
