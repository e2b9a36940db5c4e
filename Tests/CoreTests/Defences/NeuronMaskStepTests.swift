import Core
import Distributed
import Foundation
import TestSupport
import Testing

/// The masks of anp and rnp against the originals' (`anp/replay.pt`, `rnp/replay.pt`).
@Suite(.enabled(if: Fixtures.available(for: "NeuronMaskStepTests")))
struct NeuronMaskStepTests {
  private func step(
    _ thin: ThinModel, _ objective: NeuronMaskStep.Objective
  ) -> NeuronMaskStep {
    let masks = NeuronMasks(thin.model)
    return NeuronMaskStep(
      masks, objective, optimizer: SGD(for: masks.store, momentum: 0.9, weightDecay: 0),
      communicator: SoloCommunicator(), context: thin.context)
  }

  @Test func replayedNoiseLeadsToTheRecordedMasks() throws {
    let fixture = try DefenceFixture("anp/replay.pt")
    let thin = try DefenceData.model()
    let step = step(thin, .init(alpha: 0.2, extent: 0.4, moves: 1))
    #expect(step.masks.count == 1200)
    let (noiseLosses, losses) = (try fixture.numbers("loss_noise"), try fixture.numbers("loss"))
    for (index, batch) in try DefenceData.batches().enumerated() {
      let moment = Moment(learningRate: 0.01)
      let size = Double(batch.count)
      var noise = NeuronNoise(
        scale: try fixture.row("noise_init", index),
        shift: try fixture.row("noise_bias_init", index))
      let recorded = NeuronNoise(
        scale: try fixture.row("noise", index), shift: try fixture.row("noise_bias", index))
      let pass = try step.raise(&noise, batch, at: moment)
      expectClose(
        pass.result.lossSum / size, noiseLosses[index], relative: 1e-5, "noise loss \(index)")
      if index == 0 { try expectNoise(pass, noise, recorded, fixture) }
      let outcome = try step.move(batch, noise: recorded, at: moment)
      expectClose(
        outcome.crossEntropy.lossSum / size, losses[index], relative: 1e-5, "loss \(index)")
      expectClose(
        step.masks.store.gradients.array, try fixture.row("mask_grad", index), relative: 2e-3,
        "gradient \(index)")
      expectClose(
        step.masks.store.values.array, try fixture.row("mask", index), relative: 1e-4,
        "masks \(index)")
    }
  }

  /// The original goes down minus the cross-entropy.
  private func expectNoise(
    _ pass: NeuronMaskStep.Pass, _ noise: NeuronNoise, _ recorded: NeuronNoise,
    _ fixture: DefenceFixture
  ) throws {
    let slopes = try fixture.floats("noise_grad_step0").map { -$0 }
    let biasSlopes = try fixture.floats("noise_bias_grad_step0").map { -$0 }
    expectClose(pass.scale, slopes, relative: 2e-3, "gradient of the noise")
    expectClose(pass.shift, biasSlopes, relative: 2e-3, "gradient of the shifts' noise")
    for channel in slopes.indices where abs(slopes[channel]) > 1e-6 {
      #expect(abs(noise.scale[channel] - recorded.scale[channel]) < 1e-6)
    }
    for channel in biasSlopes.indices where abs(biasSlopes[channel]) > 1e-6 {
      #expect(abs(noise.shift[channel] - recorded.shift[channel]) < 1e-6)
    }
  }

  @Test func orderAndThresholdsEqualTheOriginals() throws {
    let fixture = try DefenceFixture("anp/replay.pt")
    let thin = try DefenceData.model()
    let order = NeuronOrder(
      masks: try fixture.row("mask", 5), layers: thin.store.plan.normLayers)
    #expect(order.neurons.map(\.layer) == (try fixture.numbers("sorted", "layer").map { Int($0) }))
    #expect(
      order.neurons.map(\.channel) == (try fixture.numbers("sorted", "channel").map { Int($0) }))
    #expect(order.neurons.map(\.value) == (try fixture.numbers("sorted", "value_4_decimals")))
    #expect(
      PruningWay.threshold.values(upTo: 0.9, by: 0.05)
        == (try fixture.numbers("sweep", "threshold"))
    )
  }

  @Test func replayedUnlearningAndRecoveringEqualTheOriginals() throws {
    let fixture = try DefenceFixture("rnp/replay.pt")
    let thin = try DefenceData.model()
    let batches = try DefenceData.batches()
    let unlearning = ClassifierStep(
      model: thin.model,
      optimizer: ChangedGradients.ascending(SGD(for: thin.store, momentum: 0.9, weightDecay: 5e-4)),
      loss: CrossEntropy(), largestShare: 32, communicator: SoloCommunicator(),
      context: thin.context)
    let losses = try fixture.numbers("unlearn_ce")
    var correct = [0.0, 0.0]
    for (index, batch) in batches.enumerated() {
      let result = try unlearning.run(batch, at: Moment(learningRate: 0.01)).crossEntropy
      expectClose(
        result.lossSum / Double(batch.count), losses[index], relative: 1e-5, "unlearning \(index)")
      correct[index / 3] += Double(result.correct)
    }
    let accuracies = try fixture.numbers("unlearn_epoch_accuracy")
    #expect(zip(correct, accuracies).allSatisfy { abs($0 / 88 - $1) < 1e-6 })
    try fixture.expectDigests(thin.state(), "unlearned", relative: 5e-3)
    let step = step(thin, .init(natural: 0.2))
    let recovering = try fixture.numbers("recover_ce")
    for (index, batch) in batches.enumerated() {
      let result = try step.run(batch, at: Moment(learningRate: 0.2)).crossEntropy
      expectClose(
        result.lossSum / 0.2 / Double(batch.count), recovering[index], relative: 1e-4,
        "recovering \(index)")
      expectClose(
        step.masks.store.gradients.array, try fixture.row("mask_grad", index), relative: 5e-3,
        "gradient \(index)")
      expectClose(
        step.masks.store.values.array, try fixture.row("mask", index), relative: 1e-4,
        "masks \(index)")
    }
  }
}
