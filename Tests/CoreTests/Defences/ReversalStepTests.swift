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

  /// The first losses may turn on a ReLU whose input lies a rounding from zero, which differs by
  /// processor: of images a few units in the last place off one is on the original's side.
  @Test(arguments: [(0, true), (3, true), (0, false), (3, false)])
  func sixStepsEqualTheRecordedOnes(target: Int, scalesByRow: Bool) throws {
    let fixture = try DefenceFixture(scalesByRow ? "nc/replay.pt" : "nc/right_first6.pt")
    let name = "class\(target)"
    let losses = try fixture.numbers(name, "step_ce")
    let mask = try fixture.floats(name, "mask_tanh_after_6")
    let runs = try Fixtures.scalesWithinRounding.map {
      try SixReversalSteps(target: target, scalesByRow: scalesByRow, scale: $0)
    }
    let run = try #require(
      runs.min { relativeL2Error($0.mask, mask) < relativeL2Error($1.mask, mask) })
    expectClose(
      run.maskGradient, try fixture.floats(name, "grad_mask_tanh"), relative: 1e-3,
      "the mask's gradient")
    expectClose(
      planes(run.patternGradient, channels: 3), try fixture.floats(name, "grad_pattern_tanh"),
      relative: 1e-3, "the pattern's")
    for index in 0..<6 {
      expectClose(run.losses[index], losses[index], relative: 1e-4, "step \(index)")
    }
    // Adam makes steps of the rounding where a gradient is near 0: 2e-4 of the mask was seen.
    expectClose(run.mask, mask, relative: 5e-4, "mask")
    expectClose(
      planes(run.pattern, channels: 3), try fixture.floats(name, "pattern_tanh_after_6"),
      relative: 5e-4, "pattern")
  }
}

/// What six steps towards a class come to, of images multiplied with `scale`.
private struct SixReversalSteps {
  /// The first gradients, and the values after all steps: the mask's [H, W], the pattern's
  /// [H, W, C].
  let maskGradient, patternGradient, mask, pattern: [Float]
  private(set) var losses: [Double] = []

  init(target: Int, scalesByRow: Bool, scale: Float) throws {
    let thin = try DefenceData.model()
    var settings = ReversalSettings()
    settings.scalesByRow = scalesByRow
    let step = ReversalStep(
      thin.model, settings: settings, normalization: .cifar10, context: thin.context)
    let batches = try DefenceData.batches().prefix(3).map { batch in
      let images = Tensor(thin.model.inputShape.withBatch(batch.count))
      for place in 0..<images.shape.count {
        images.pointer[place] = batch.images.pointer[place] * scale
      }
      return images
    }
    _ = step.addGradients(batches[0], target: target, cost: 1e-3)
    let size = 32 * 32
    maskGradient = Array(step.store.gradients.array[..<size])
    patternGradient = Array(step.store.gradients.array[size...])
    for index in 0..<6 {
      losses.append(step.run(batches[index % 3], target: target, cost: 1e-3).crossEntropy)
    }
    mask = Array(step.store.values.array[..<size])
    pattern = Array(step.store.values.array[size...])
  }
}
