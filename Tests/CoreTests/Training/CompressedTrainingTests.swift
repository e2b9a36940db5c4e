import Core
import Distributed
import Testing

/// Training with compressed gradients, against the same with floats.
@Suite struct CompressedTrainingTests {
  private static func train(
    worldSize: Int, compression: GradientCompression, start: Int = 0, steps: Int = 20
  ) throws -> [DataParallelTests.Trace] {
    try DataParallelTests.train(
      worldSize: worldSize, steps: steps, sharesStatistics: false, width: 8, learningRate: 0.005,
      compression: compression, powerSGD: PowerSGDSettings(rank: 2, start: start),
      repeatsBatch: true)
  }

  /// The first loss is the same, and a first step along gradients that were rounded twice, each
  /// time by half a unit of a number's last place at most, falls as far but for about twice that
  /// share; training goes on from there.
  @Test(arguments: [2, 3], [GradientCompression.fp16, .bf16])
  func theFirstStepAndTheWayDownAreThoseOfFloats(
    worldSize: Int, compression: GradientCompression
  ) throws {
    let plain = try Self.train(worldSize: worldSize, compression: .none)[0].losses
    let compressed = try Self.train(worldSize: worldSize, compression: compression)[0].losses
    #expect(plain[0] == compressed[0])
    #expect(plain[1] != compressed[1])
    let share = compression == .fp16 ? 0x1p-10 : 0x1p-7
    #expect(abs(plain[1] - compressed[1]) <= share * abs(plain[0] - plain[1]))
    #expect(plain[19] < plain[0] / 2, "\(plain)")
    #expect(compressed[19] < compressed[0] / 2, "\(compressed)")
  }

  /// The start counts steps: up to there, that is, and in the loss that is seen next, training is
  /// bit-equal to one without compression.
  @Test(arguments: [(2, 0), (3, 3)]) func powerSGDLearnsFromItsStartOn(
    worldSize: Int, start: Int
  ) throws {
    let plain = try Self.train(worldSize: worldSize, compression: .none, steps: start + 2)[0]
    let found = try Self.train(worldSize: worldSize, compression: .powersgd, start: start)[0]
    #expect(found.losses[...start] == plain.losses[...start])
    #expect(found.checksums[..<start] == plain.checksums[..<start])
    #expect(found.losses[start + 1] != plain.losses[start + 1])
    #expect(found.losses[19] < found.losses[0] / 2, "\(found.losses)")
  }

  @Test(arguments: [
    (2, GradientCompression.fp16), (3, .fp16), (4, .fp16), (3, .bf16), (2, .powersgd),
    (4, .powersgd),
  ])
  func replicasAreBitEqualAtEveryStep(worldSize: Int, compression: GradientCompression) throws {
    let traces = try Self.train(worldSize: worldSize, compression: compression, steps: 10)
    for trace in traces { #expect(trace.checksums == traces[0].checksums) }
  }
}
