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

  /// The first loss is the same, and a first step along gradients that were rounded twice, each
  /// time by 2^-11 of a number at most, falls as far but for about 2^-10 of it; training goes on
  /// from there.
  @Test(arguments: [2, 3]) func theFirstStepAndTheWayDownAreThoseOfFloats(worldSize: Int) throws {
    let plain = try Self.train(worldSize: worldSize, compression: .none)[0].losses
    let compressed = try Self.train(worldSize: worldSize, compression: .fp16)[0].losses
    #expect(plain[0] == compressed[0])
    #expect(plain[1] != compressed[1])
    #expect(abs(plain[1] - compressed[1]) <= 0x1p-10 * abs(plain[0] - plain[1]))
    #expect(plain[19] < plain[0] / 2, "\(plain)")
    #expect(compressed[19] < compressed[0] / 2, "\(compressed)")
  }

  @Test(arguments: [2, 3, 4]) func replicasAreBitEqualAtEveryStep(worldSize: Int) throws {
    let traces = try Self.train(worldSize: worldSize, compression: .fp16)
    for trace in traces { #expect(trace.checksums == traces[0].checksums) }
  }
}
