import Core
import Distributed
import Testing

/// With shared statistics the steps of defences do not depend on the number of ranks.
@Suite struct DefencesInParallelTests {
  private static let images = SyntheticImages().images(count: 24, seed: 0, split: .train)

  private static func network(seed: UInt64) -> Network {
    let network = Network(
      .resnet18, width: 4, classCount: 10,
      inputShape: Shape(batch: 0, height: 32, width: 32, channels: 3))
    Initializer.initialize(network.store, seed: seed)
    return network
  }

  private static func step(
    _ name: String, _ communicator: any Communicator, _ context: ComputeContext
  ) throws -> any TrainingStep {
    let (model, other) = (network(seed: 0), network(seed: 1))
    let optimizer = SGD(for: model.store, momentum: 0.9, weightDecay: 5e-4)
    switch name {
    case "ft-sam":
      return SharpnessAwareStep(
        model, optimizer: optimizer, settings: SharpnessAwareTuning(), fullRate: 0.1,
        communicator: communicator, context: context)
    case "anp":
      let masks = NeuronMasks(model)
      return NeuronMaskStep(
        masks, .init(alpha: 0.2, extent: 0.4, moves: 1),
        optimizer: SGD(for: masks.store, momentum: 0.9, weightDecay: 0),
        communicator: communicator, context: context)
    case "nad":
      return AttentionStep(
        model, teacher: other, taps: try AttentionDistillation().taps(in: model), power: 2,
        optimizer: optimizer, communicator: communicator, context: context)
    default:
      return SharedAdversarialStep(
        model, attacked: other, settings: SharedAdversarialUnlearning(), normalization: .cifar10,
        optimizer: optimizer, communicator: communicator, context: context)
    }
  }

  /// The bits of all learners after two steps, the second of which is smaller than the world of 8.
  private static func checksums(
    _ name: String, worldSize: Int, sharesStatistics: Bool
  ) throws -> [UInt64] {
    try LocalGroup.run(worldSize: worldSize) { communicator in
      let context = ComputeContext(
        threads: 1, batchNormGroup: sharesStatistics ? communicator : nil)
      let step = try step(name, communicator, context)
      let loader = BatchLoader(
        images: images,
        sampler: ShardedSampler(
          count: images.count, batchSize: 20, shuffleSeed: 0, dropLast: false,
          worldSize: worldSize, rank: communicator.rank),
        normalization: .cifar10, seed: 0)
      for batch in loader.epoch(0) {
        _ = try step.run(batch, at: Moment(learningRate: 0.1, seed: 7))
      }
      return step.learners.reduce(0) { sum, learner in
        sum ^ Checksum.of(UnsafeRawBufferPointer(learner.store.values.bytes))
          &+ Checksum.of(UnsafeRawBufferPointer(learner.store.buffers.bytes))
      }
    }
  }

  @Test(arguments: ["ft-sam", "anp", "nad", "sau"])
  func sharedStatisticsMakeTheWorldSizeInvisible(name: String) throws {
    let one = try Self.checksums(name, worldSize: 1, sharesStatistics: true)
    for worldSize in [2, 8] {
      let several = try Self.checksums(name, worldSize: worldSize, sharesStatistics: true)
      #expect(several == Array(repeating: one[0], count: worldSize), "\(worldSize) ranks")
    }
  }

  @Test(arguments: ["ft-sam", "anp", "nad", "sau"])
  func ranksStayAlikeWithoutSharedStatistics(name: String) throws {
    let several = try Self.checksums(name, worldSize: 3, sharesStatistics: false)
    #expect(Set(several).count == 1)
  }
}
