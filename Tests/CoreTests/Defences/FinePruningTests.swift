import Core
import Distributed
import Foundation
import TestSupport
import Testing

/// fp's order, its steps and its fine-tuning against the original's (`fp/replay.pt`).
@Suite(.enabled(if: Fixtures.available(for: "FinePruningTests")))
struct FinePruningTests {
  @Test func orderEqualsTheOriginals() throws {
    let fixture = try DefenceFixture("fp/replay.pt")
    let thin = try DefenceData.model()
    let batches = try DefenceData.batches()
    let first = try fixture.numbers("activation")
    // The original saw each image once, in the batches of an epoch.
    let means = try FinePruning.meanFeatures(
      of: thin.model, batches[0..<3], communicator: SoloCommunicator(), context: thin.context)
    expectClose(means.map { Float($0) }, first.map { Float($0) }, relative: 1e-5, "activations")
    #expect(FinePruning.order(means) == (try fixture.numbers("order").map { Int($0) }))
    let steps = FinePruning().steps(of: 128)
    #expect(Array(steps.prefix(3)) == (try fixture.numbers("log", "num_pruned").map { Int($0) }))
  }

  @Test func replayedFineTuningKeepsTheMask() throws {
    let fixture = try DefenceFixture("fp/replay.pt")
    let thin = try DefenceData.model()
    let masked = try fixture.numbers("pruned_at_end").map { Int($0) }
    FinePruning.mask(masked, of: thin.model)
    let step = ClassifierStep(
      model: thin.model,
      optimizer: FinePruning.keepingMasked(
        masked, of: thin.model, SGD(for: thin.store, momentum: 0.9, weightDecay: 5e-4)),
      loss: CrossEntropy(), largestShare: 32, communicator: SoloCommunicator(),
      context: thin.context)
    let (batches, losses) = (try DefenceData.batches(), try fixture.numbers("finetune_loss"))
    let schedule = LearningRateSchedule.cosine(base: 0.01, period: 100)
    let order = try #require(try fixture.value("finetune_epoch_batches").items)
      .flatMap { try DefenceFixture.numbers($0, "batches").map { Int($0) } }
    for (index, number) in order.enumerated() {
      let rate = schedule.rate(epoch: index / 3, step: 0, stepsPerEpoch: 3, epochs: 2)
      let batch = batches[number]
      let result = try step.run(batch, at: Moment(learningRate: rate)).crossEntropy
      expectClose(
        result.lossSum / Double(batch.count), losses[index], relative: 1e-5, "loss \(index)")
    }
    let (weights, mask) = (
      try fixture.floats("linear_weight_orig_final"), try fixture.floats("linear_weight_mask")
    )
    expectClose(
      thin.state()["linear.weight"] ?? [], zip(weights, mask).map { $0 * $1 }, relative: 1e-5,
      "head")
    try fixture.expectDigests(thin.state(), "final", relative: 1e-3, ofKnown: true)
  }
}
