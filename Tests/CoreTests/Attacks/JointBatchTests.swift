import Core
import Distributed
import TestSupport
import Testing

/// Clean and triggered images that pass as one batch: blind's and lira's steps with
/// `joint_batches`, against plain steps on the images in turn.
@Suite struct JointBatchTests {
  private static let shape = Shape(batch: 0, height: 32, width: 32, channels: 3)
  private static let rule = PixelRule(.cifar10, rounds: true)
  private static let count = 6

  /// Moves a new network's parameters once or more, with what `makeStep` makes of its step; what
  /// they are then, and the last outcome's.
  private struct Run {
    var model: Network
    var plain: ClassifierStep

    init(
      learningOn communicator: any Communicator = SoloCommunicator(), parts: Int = 1,
      momentum: Double = 0
    ) {
      model = Network(.resnet18, width: 2, classCount: 4, inputShape: JointBatchTests.shape)
      Initializer.initialize(model, seed: 5)
      plain = ClassifierStep(
        model: model, optimizer: SGD(for: model.store, momentum: momentum, weightDecay: 0),
        loss: CrossEntropy(), largestShare: JointBatchTests.count, accumulationSteps: parts,
        communicator: communicator,
        context: ComputeContext(threads: 1, batchNormGroup: communicator))
    }

    /// A step of `attack` with `settings`, by key.
    func blind(_ settings: [String: ConfigValue]) throws -> BlindStep {
      var blind = Blind()
      for (key, value) in settings.merging([
        "joint_batches": .boolean(true), "batch_history_len": .integer(0),
        "backdoor_batch_loss_threshold": .real(100),
      ]) { own, _ in own } {
        let field = try #require(Blind.fields.first { $0.key == key })
        #expect(field.assign(value, &blind))
      }
      let step = BlindStep(
        plain, settings: blind, labels: .allToOne(target: 0), rule: JointBatchTests.rule,
        isPoisoned: true)
      // One loss has to be known before the copies come in.
      let history = try #require(step.learners.last).store
      history.value(history.plan.parameters[1])[0] = 1
      return step
    }
  }

  /// Images `range` of a batch of `total`, none of them of class 0.
  private static func batch(_ range: Range<Int> = 0..<count, of total: Int = count) -> Batch {
    let images = range.flatMap { image in
      var stream = RandomStream(seed: 2, purpose: .test, epoch: 0, index: image)
      return (0..<shape.withBatch(1).count).map { _ in stream.nextNormal() }
    }
    var batch = Batch(
      images: FloatBuffer(images), labels: range.map { Int32($0 % 3 + 1) },
      indices: Array(range), globalCount: total)
    batch.start = range.lowerBound
    return batch
  }

  /// `first` and `second` in turn.
  private static func interlaced(
    _ first: [Float], _ second: [Float], labels: [Int32]
  ) -> Batch {
    let size = shape.withBatch(1).count
    var images: [Float] = []
    for image in 0..<count {
      images += first[image * size..<(image + 1) * size]
      images += second[image * size..<(image + 1) * size]
    }
    return Batch(
      images: FloatBuffer(images), labels: labels, indices: Array(0..<2 * count),
      globalCount: 2 * count)
  }

  /// A plain step on triggered and clean images in turn.
  private func plainStep() throws -> (values: [Float], losses: [Double]) {
    let (run, clean) = (Run(), Self.batch())
    let triggered = Tensor(Self.shape.withBatch(Self.count), in: FloatBuffer(clean.images.array))
    for image in 0..<Self.count {
      BlindTrigger().apply(
        to: triggered.pointer + image * clean.images.count / Self.count, Self.shape.withBatch(1),
        by: Self.rule)
    }
    let outcome = try run.plain.run(
      Self.interlaced(
        triggered.array, clean.images.array, labels: clean.labels.flatMap { [0, $0] }),
      at: Moment(learningRate: 0.1))
    return (run.model.store.values.array, outcome.crossEntropy.losses)
  }

  private func blindStep(
    backdoor: Double, normal: Double, parts: Int = 1
  ) throws -> (change: [Float], lossSum: Double, model: Network) {
    let run = Run(parts: parts)
    let before = run.model.store.values.array
    let step = try run.blind([
      "fix_scale_backdoor_weight": .real(backdoor), "fix_scale_normal_weight": .real(normal),
    ])
    let outcome = try step.run(Self.batch(), at: Moment(learningRate: 0.1))
    let change = zip(run.model.store.values.array, before).map { $0 - $1 }
    return (change, outcome.crossEntropy.lossSum, run.model)
  }

  @Test func equalWeightsAreAPlainStep() throws {
    let run = Run()
    let step = try run.blind([
      "fix_scale_backdoor_weight": .real(0.5), "fix_scale_normal_weight": .real(0.5),
    ])
    let outcome = try step.run(Self.batch(), at: Moment(learningRate: 0.1))
    let plain = try plainStep()
    #expect(run.model.store.values.array == plain.values)
    #expect(run.model.store.batchesTracked.allSatisfy { $0 == 1 })
    #expect(abs(outcome.crossEntropy.lossSum - plain.losses.reduce(0, +) / 2) < 1e-9)
  }

  @Test func eachLossHasItsWeight() throws {
    let losses = try plainStep().losses
    let backdoor = try blindStep(backdoor: 1, normal: 0)
    let normal = try blindStep(backdoor: 0, normal: 1)
    for (part, one) in [backdoor, normal].enumerated() {
      let sum = stride(from: part, to: losses.count, by: 2).reduce(0) { $0 + losses[$1] }
      #expect(abs(one.lossSum - sum) < 1e-9, "part \(part)")
    }
    // Only triggered copies are of class 0.
    let bias = backdoor.model.head.bias.offset
    #expect(backdoor.change[bias] > 0 && normal.change[bias] < 0)
    let both = try blindStep(backdoor: 0.9, normal: 0.3)
    let sum = zip(backdoor.change, normal.change).map { 0.9 * $0 + 0.3 * $1 }
    let scale = both.change.map { abs($0) }.max() ?? 0
    #expect(largestDistance(both.change, sum) < 1e-5 * scale && scale > 0.01)
  }

  @Test func mgdaAsksForEachLoss() throws {
    let run = Run()
    let before = run.model.store.values.array
    let step = try run.blind(["weight_loss_balance_mode": .text("MGDA")])
    let outcome = try step.run(Self.batch(), at: Moment(learningRate: 0.1))
    let (backdoor, normal) = (
      try blindStep(backdoor: 1, normal: 0), try blindStep(backdoor: 0, normal: 1)
    )
    // The share is what makes the reported loss of both.
    let share =
      (outcome.crossEntropy.lossSum - normal.lossSum) / (backdoor.lossSum - normal.lossSum)
    #expect((0.001...0.999).contains(share))
    let sum = zip(backdoor.change, normal.change).map {
      Float(share) * $0 + Float(1 - share) * $1
    }
    let change = zip(run.model.store.values.array, before).map { $0 - $1 }
    #expect(largestDistance(change, sum) < 1e-5)
  }

  /// The classifier and the history after two steps of blind on `ranks` ranks.
  private func learned(ranks: Int) throws -> [[Float]] {
    let results = try LocalGroup.run(worldSize: ranks) { communicator in
      let run = Run(learningOn: communicator, momentum: 0.9)
      let step = try run.blind([:])
      let (rank, total) = (communicator.rank, Self.count)
      let own = rank * total / ranks..<(rank + 1) * total / ranks
      for number in 0..<2 {
        _ = try step.run(Self.batch(own), at: Moment(learningRate: 0.01, step: number))
      }
      try step.settle()
      return step.learners.flatMap { [$0.store.values.array, $0.store.buffers.array] }
    }
    for other in results.dropFirst() { #expect(other == results[0]) }
    return results[0]
  }

  @Test(arguments: [2, 3]) func ranksComeToTheSameBits(ranks: Int) throws {
    #expect(try learned(ranks: ranks) == learned(ranks: 1))
  }

  @Test func partsHaveTheirImagesWeights() throws {
    // Parts of three of twelve images: every other part begins with a clean one.
    let parts = try blindStep(backdoor: 1, normal: 0, parts: 4)
    // 0.1 (1 - p) of the triggered copies, whose p is about a quarter.
    let change = parts.change[parts.model.head.bias.offset]
    #expect(change > 0.06 && change < 0.09, "\(change)")
  }

  @Test func lirasClassifierMovesAlongCleanAndAttackedImagesAlone() throws {
    let (run, batch) = (Run(), Self.batch())
    let noise = NoiseNetworks(
      images: Self.shape, bounds: NoiseBounds(.cifar10, perChannel: true),
      context: run.plain.context)
    Initializer.initialize(noise.generator.store, seed: 3)
    noise.takeOver()
    let images = Tensor(Self.shape.withBatch(Self.count), in: FloatBuffer(batch.images.array))
    noise.trigger(images, strength: 0.5)
    let plain = Run()
    _ = try plain.plain.run(
      Self.interlaced(
        batch.images.array, images.array, labels: batch.labels.flatMap { [$0, 0] }),
      at: Moment(learningRate: 0.1))

    var settings = LIRA()
    for (key, value) in [
      "joint_batches": .boolean(true), "clear_classifier_gradients": .boolean(true),
      "eps": .real(0.5),
    ] as [String: ConfigValue] {
      let field = try #require(LIRA.fields.first { $0.key == key })
      #expect(field.assign(value, &settings))
    }
    let before = noise.generator.store.values.array
    let step = LIRAStep(
      run.plain, tuning: run.plain, noise: noise, settings: settings,
      poison: LoopPoison(ratio: 0.1, labels: .allToOne(target: 0), seed: 0), jointEpochs: 1
    ) { _, _ in }
    _ = try step.run(batch, at: Moment(learningRate: 0.1))
    #expect(run.model.store.values.array == plain.model.store.values.array)
    #expect(run.model.store.batchesTracked.allSatisfy { $0 == 2 })
    #expect(noise.generator.store.values.array != before)
  }
}
