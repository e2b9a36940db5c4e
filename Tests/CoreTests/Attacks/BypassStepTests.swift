import Core
import Distributed
import TestSupport
import Testing

/// The bypass attacks' step on several ranks.
@Suite struct BypassStepTests {
  /// Classifier and discriminator after two steps on batches of `count` images, a third of them
  /// poisoned, with shared statistics.
  private func trained(ranks: Int, count: Int) throws -> [[Float]] {
    let results = try LocalGroup.run(worldSize: ranks) { communicator in
      let shape = Shape(batch: 0, height: 8, width: 8, channels: 3)
      let model = Network(.resnet18, width: 4, classCount: 3, inputShape: shape)
      Initializer.initialize(model, seed: 1)
      let discriminator = FeatureDiscriminator(features: model.head.inputs, seed: 1)
      let share = communicator.rank * count / ranks..<(communicator.rank + 1) * count / ranks
      let step = BypassStep(
        ClassifierStep(
          model: model, optimizer: SGD(for: model.store, momentum: 0.9, weightDecay: 5e-4),
          loss: CrossEntropy(), largestShare: (count + ranks - 1) / ranks,
          communicator: communicator,
          context: ComputeContext(threads: 1, batchNormGroup: communicator)),
        discriminator: discriminator, ratio: 20)
      for number in 0..<2 {
        let images = share.flatMap { image -> [Float] in
          var stream = RandomStream(seed: 2, purpose: .test, epoch: number, index: image)
          return (0..<shape.withBatch(1).count).map { _ in stream.nextNormal() }
        }
        var batch = Batch(
          images: FloatBuffer(images), labels: share.map { Int32($0 % 3) }, indices: Array(share),
          globalCount: count)
        batch.start = share.lowerBound
        batch.roles = share.map { $0 % 3 == 0 ? .triggered : .clean }
        _ = try step.run(batch, at: Moment(learningRate: 0.01, step: number))
      }
      #expect(discriminator.store.batchesTracked == [4, 4])
      return [model.store, discriminator.store].flatMap { [$0.values.array, $0.buffers.array] }
    }
    for other in results.dropFirst() { #expect(other == results[0]) }
    return results[0]
  }

  @Test(arguments: [2, 3]) func ranksComeToTheSameBits(ranks: Int) throws {
    #expect(try trained(ranks: ranks, count: 24) == trained(ranks: 1, count: 24))
  }

  @Test func aRankWithoutImagesTakesPart() throws {
    #expect(try trained(ranks: 3, count: 2) == trained(ranks: 1, count: 2))
  }

  @Test func theClassifierMovesAgainstTheDiscriminator() throws {
    let features = Tensor(
      Shape(batch: 8, height: 1, width: 1, channels: 6),
      in: FloatBuffer((0..<48).map { $0 < 24 ? 1 + Float($0 % 5) / 9 : -Float($0 % 7) / 9 }))
    let discriminator = FeatureDiscriminator(features: 6, seed: 3)
    let context = ComputeContext(threads: 1)
    func loss(_ features: Tensor) -> Double {
      discriminator.store.clearGradients(wide: false)
      return discriminator.judge(
        features, isPoisoned: (0..<8).map { $0 < 4 }, globalCount: 8, context: context
      ).lossSum
    }
    let judged = discriminator.judge(
      features, isPoisoned: (0..<8).map { $0 < 4 }, globalCount: 8, context: context)
    let before = loss(features)
    for place in 0..<48 { features.pointer[place] += judged.featureGradient.pointer[place] }
    #expect(loss(features) > before)
  }
}
