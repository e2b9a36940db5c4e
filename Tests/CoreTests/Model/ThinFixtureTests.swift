import Core
import Distributed
import Foundation
import TestSupport
import Testing

/// A ResNet18 of width 8 against genuine PyTorch results (`numerics/thin8_sgd.pt`, `thin8_fst.pt`).
///
/// Relative L2 errors: losses 1e-5, gradients 1e-4, parameters after three steps 1e-5; PyTorch's
/// own float32 is 4e-7, 2e-6 and 7e-7 from float64 there (`thin8_tolerances.json`).
@Suite(.enabled(if: Fixtures.available(for: "ThinFixtureTests")))
struct ThinFixtureTests {
  private func thin(
    _ fixture: TorchFixture, convolution: ConvolutionChoice = .automatic
  ) throws -> ThinModel {
    let thin = ThinModel(.resnet18, width: 8, convolution: convolution)
    try thin.store.load(try fixture.state("init/"))
    return thin
  }

  /// Batch `step` of the eight images each in x [3, 8, 3, 32, 32].
  private func batch(_ fixture: TorchFixture, _ step: Int) throws -> ThinModel.LabeledBatch {
    let shape = Shape(batch: 8, height: 32, width: 32, channels: 3)
    let images = try fixture.values("x")[step * shape.count..<(step + 1) * shape.count]
    return ThinModel.LabeledBatch(
      images: Tensor(nchw: Array(images), shape),
      labels: Array(try fixture.labels("y")[step * 8..<step * 8 + 8]))
  }

  @Test func evaluatingLogitsEqualPyTorch() throws {
    let fixture = try TorchFixture("numerics/thin8_sgd.pt")
    let thin = try thin(fixture)
    let logits = thin.model.forward(
      try batch(fixture, 0).images, mode: .evaluating, context: thin.context)
    expectClose(logits.array, try fixture.values("eval_logits_init"), relative: 1e-5)
  }

  @Test(arguments: [ConvolutionChoice.im2col, .automatic])
  func gradientsAndRunningStatisticsEqualPyTorch(_ convolution: ConvolutionChoice) throws {
    let fixture = try TorchFixture("numerics/thin8_sgd.pt")
    let thin = try thin(fixture, convolution: convolution)
    _ = thin.forwardBackward(try batch(fixture, 0))
    let (gradients, statistics) = (try fixture.all("grad/"), try fixture.all("bn1step/"))
    #expect((gradients.count, statistics.count) == (62, 60))
    expectAllClose(thin.store.parameterGradients(), gradients, relative: 1e-4, "gradients")
    expectAllClose(thin.store.bufferValues(), statistics, relative: 1e-5, "statistics")
  }

  /// The reference convolution holds 1e-5 on parameters.
  ///
  /// Under any faster one's rounding an input of the seventh ReLU at step 2, 2.5e-6 deviations from
  /// zero, may change sides; computed in float64 with that one side changed, parameters move by up
  /// to 2.2e-4 (layer1.0.conv2.weight) and running statistics stay.
  @Test(arguments: [(ConvolutionChoice.im2col, 1e-5), (.automatic, 3e-4)])
  func threeStepsOfSGDEqualPyTorch(_ convolution: ConvolutionChoice, tolerance: Double) throws {
    let fixture = try TorchFixture("numerics/thin8_sgd.pt")
    let thin = try thin(fixture, convolution: convolution)
    let optimizer = SGD(for: thin.store, momentum: 0.9, weightDecay: 5e-4)
    for (step, expected) in try fixture.numbers("losses").enumerated() {
      let (loss, logits) = thin.forwardBackward(try batch(fixture, step))
      expectClose(loss, expected, relative: 1e-5, "loss \(step)")
      expectClose(logits, try fixture.values("logits/\(step)"), relative: 1e-5, "logits \(step)")
      optimizer.step(thin.store, range: thin.whole, learningRate: 0.05, context: thin.context)
    }
    let after = try fixture.all("after3/")
    #expect(after.count == 122)
    let parameters = Set(thin.store.plan.parameters.map(\.name))
    for (name, values) in after {
      expectClose(
        thin.state()[name] ?? [], values,
        relative: parameters.contains(name) ? tolerance : 1e-5, "after 3 steps: \(name)")
    }
  }

  @Test func threeStepsOfFSTEqualPyTorch() throws {
    let fixture = try TorchFixture("numerics/thin8_fst.pt")
    let start = try TorchFixture("numerics/thin8_sgd.pt")
    let thin = try thin(start)
    let head = thin.model.head
    let penalty = FeatureShiftPenalty(head: head, of: thin.store, alpha: 0.1)
    expectClose(penalty.originalWeight, try fixture.values("w_ori"), relative: 0)
    expectClose(penalty.originalNorm, try fixture.numbers("norm0")[0], relative: 1e-6, "norm")
    thin.store.set(head.weight, to: try fixture.values("W0"))
    thin.store.set(head.bias, to: try fixture.values("B0"))
    let step = ClassifierStep(
      model: thin.model, optimizer: SGD(for: thin.store, momentum: 0.9, weightDecay: 0),
      loss: CrossEntropy(), penalty: penalty, largestShare: 8, communicator: SoloCommunicator(),
      context: thin.context)
    for index in 0..<3 {
      let result = try step.run(try batch(start, index).batch, at: Moment(learningRate: 0.01))
      let entropy = result.crossEntropy.lossSum / 8
      let (losses, entropies) = (try fixture.numbers("loss"), try fixture.numbers("ce"))
      expectClose(entropy, entropies[index], relative: 1e-5, "entropy \(index)")
      expectClose(entropy + result.penalty, losses[index], relative: 1e-5, "loss \(index)")
      let gradient = thin.store.parameterGradients()["linear.weight"] ?? []
      let weight = thin.store.parameterValues()["linear.weight"] ?? []
      let slice = index * weight.count..<(index + 1) * weight.count
      expectClose(
        gradient, Array(try fixture.values("linear_grad_w")[slice]), relative: 1e-4, "gradient")
      expectClose(
        weight, Array(try fixture.values("w_after_projection")[slice]), relative: 1e-5, "weight")
    }
    let after = try fixture.all("after3/")
    #expect(after.count == 122)
    expectAllClose(thin.state(), after, relative: 1e-5, "after 3 steps")
  }

  @Test(arguments: ["cosine_T100_lr0.1_E5", "cosine_T10_lr0.01_E10", "cosine_T100_lr0.1_E101"])
  func cosineEqualsPyTorch(_ name: String) throws {
    let file = URL(fileURLWithPath: Fixtures.path("numerics/lr_schedules.json"))
    let data = try Data(contentsOf: file)
    let rates = try JSONDecoder().decode([String: [Double]].self, from: data)[name] ?? []
    #expect(!rates.isEmpty)
    let schedule = LearningRateSchedule.cosine(
      base: rates.first ?? 0, period: name.contains("T100") ? 100 : 10)
    for (epoch, rate) in rates.enumerated() {
      let mine = schedule.rate(epoch: epoch, step: 0, stepsPerEpoch: 1, epochs: rates.count)
      #expect(abs(mine - rate) < 1e-12)
    }
  }
}
