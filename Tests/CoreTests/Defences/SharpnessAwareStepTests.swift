import Core
import Distributed
import Foundation
import TestSupport
import Testing

/// ft-sam's steps against the original's (`ft-sam/replay.pt`), batch by batch.
@Suite(.enabled(if: Fixtures.available(for: "SharpnessAwareStepTests")))
struct SharpnessAwareStepTests {
  private func step(_ thin: ThinModel) -> SharpnessAwareStep {
    SharpnessAwareStep(
      thin.model, optimizer: SGD(for: thin.store, momentum: 0.9, weightDecay: 5e-4),
      settings: SharpnessAwareTuning(), fullRate: 0.01, communicator: SoloCommunicator(),
      context: thin.context)
  }

  @Test func replayedRunEndsInTheRecordedModel() throws {
    let fixture = try DefenceFixture("ft-sam/replay.pt")
    let thin = try DefenceData.model()
    let step = step(thin)
    let (losses, moved) = (try fixture.numbers("loss"), try fixture.numbers("loss_perturbed"))
    let norms = try fixture.numbers("weighted_grad_norm")
    let (rates, radii) = (try fixture.numbers("lr"), try fixture.numbers("rho"))
    let schedule = LearningRateSchedule.cosineOfSteps(base: 0.01, period: 100)
    for (index, batch) in try DefenceData.batches().enumerated() {
      let rate = schedule.rate(epoch: index / 3, step: index % 3, stepsPerEpoch: 3, epochs: 2)
      expectClose(rate, rates[index], relative: 1e-12, "rate \(index)")
      let outcome = try step.run(batch, at: Moment(learningRate: rate))
      let tolerance = index == 0 ? 1e-5 : 1e-3
      let loss = outcome.crossEntropy.lossSum / Double(batch.count)
      expectClose(loss, losses[index], relative: tolerance, "loss \(index)")
      expectClose(step.trace.movedLoss, moved[index], relative: 1e-3, "moved loss \(index)")
      expectClose(step.trace.gradientNorm, norms[index], relative: 1e-3, "norm \(index)")
      #expect(step.trace.radius == radii[index])
    }
    expectClose(
      thin.state()["linear.weight"] ?? [], try fixture.floats("linear_weight_final"),
      relative: 1e-4, "head")
    try fixture.expectDigests(thin.state(), "final", relative: 2e-3)
    // Both passes are counted, and only the first moves running statistics.
    #expect(thin.store.batchesTracked.allSatisfy { $0 == thin.store.batchesTracked[0] })
    let counted = try fixture.numbers("final", "bn1.num_batches_tracked")
    #expect(Double(thin.store.batchesTracked[0]) == counted[0])
  }

  @Test func firstStepsGradientsAndMoveEqualTheOriginals() throws {
    let fixture = try DefenceFixture("ft-sam/replay.pt")
    let thin = try DefenceData.model()
    let step = step(thin)
    let batch = try DefenceData.batches()[0]
    let moment = Moment(learningRate: 0.01)
    let before = thin.store.parameterValues()
    _ = try step.ascend(batch, at: moment)
    try fixture.expectDigests(
      thin.store.parameterGradients(), "step0", "grad", relative: 2e-3)
    let moved = thin.store.parameterValues().merging(before) { zip($0, $1).map { $0 - $1 } }
    try fixture.expectDigests(moved, "step0", "e_w", relative: 2e-3)
    try step.descend(batch, at: moment)
    try fixture.expectDigests(
      thin.store.parameterGradients(), "step0", "grad_perturbed", relative: 2e-3)
    for (name, values) in thin.store.parameterValues() {
      expectClose(values, before[name] ?? [], relative: 1e-6, "\(name) is back")
    }
  }
}
