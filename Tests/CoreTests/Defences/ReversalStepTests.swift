import Core
import Distributed
import TestSupport
import Testing

/// Mask and pattern as the original code, and a loop of its rules with the right scaling, moved them.
@Suite(.enabled(if: Fixtures.available(for: "ReversalStepTests")))
struct ReversalStepTests {
  /// [C, H, W] of a tensor [H, W, C].
  private func planes(_ values: [Float], channels: Int) -> [Float] {
    let pixels = values.count / channels
    return (0..<channels).flatMap { channel in (0..<pixels).map { values[$0 * channels + channel] }
    }
  }

  private func step(_ thin: ThinModel, scalesByRow: Bool) -> ReversalStep {
    var settings = ReversalSettings()
    settings.scalesByRow = scalesByRow
    return ReversalStep(
      thin.model, settings: settings, normalization: .cifar10, context: thin.context)
  }

  @Test(arguments: [(0, true), (3, true), (0, false), (3, false)])
  func sixStepsEqualTheRecordedOnes(target: Int, scalesByRow: Bool) throws {
    let fixture = try DefenceFixture(scalesByRow ? "nc/replay.pt" : "nc/right_first6.pt")
    let (thin, name) = (try DefenceData.model(), "class\(target)")
    let step = step(thin, scalesByRow: scalesByRow)
    let losses = try fixture.numbers(name, "step_ce")
    let batches = Array(try DefenceData.batches().prefix(3))
    for index in 0..<6 {
      let batch = batches[index % 3]
      let images = Tensor(thin.model.inputShape.withBatch(batch.count), in: batch.images)
      if index == 0 {
        _ = step.addGradients(images, target: target, cost: 1e-3)
        let (gradients, size) = (step.store.gradients.array, 32 * 32)
        expectClose(
          Array(gradients[..<size]), try fixture.floats(name, "grad_mask_tanh"), relative: 1e-3,
          "the mask's gradient")
        expectClose(
          planes(Array(gradients[size...]), channels: 3),
          try fixture.floats(name, "grad_pattern_tanh"), relative: 1e-3, "the pattern's")
      }
      let outcome = step.run(images, target: target, cost: 1e-3)
      expectClose(outcome.crossEntropy, losses[index], relative: 1e-4, "step \(index)")
    }
    // Adam makes steps of the rounding where a gradient is near 0: 2e-4 of the mask was seen.
    let (values, size) = (step.store.values.array, 32 * 32)
    expectClose(
      Array(values[..<size]), try fixture.floats(name, "mask_tanh_after_6"), relative: 5e-4, "mask")
    expectClose(
      planes(Array(values[size...]), channels: 3),
      try fixture.floats(name, "pattern_tanh_after_6"), relative: 5e-4, "pattern")
  }
}
