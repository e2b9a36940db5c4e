import Core
import Distributed
import TestSupport
import Testing

/// Single layers against genuine PyTorch results (`numerics/unit_layers.pt`).
@Suite(.enabled(if: Fixtures.available(for: "UnitLayerFixtureTests")))
struct UnitLayerFixtureTests {
  private func fixture() throws -> TorchFixture { try TorchFixture("numerics/unit_layers.pt") }
  private let context = ComputeContext(threads: 2)

  @Test(arguments: ["conv3x3_s1_p1", "conv3x3_s2_p1", "conv3x3_s2_p1_odd", "conv1x1_s2"])
  func convolutionsEqualPyTorch(_ name: String) throws {
    let fixture = try fixture()
    let x = try fixture.images("\(name)/in/x")
    let sizes = try fixture.tensor("\(name)/in/w").shape
    var plan = ParameterLayoutPlan()
    let conv = Conv2D(
      "conv", input: x.shape, outputChannels: sizes[0], kernel: sizes[2],
      stride: name.contains("s2") ? 2 : 1, plan: &plan)
    let store = ParameterStore(plan)
    store.set(conv.weight, to: try fixture.values("\(name)/in/w"))
    let y = Tensor(conv.outputShape(batch: x.shape.batch))
    conv.forward(x, into: y, store: store, context: context)
    expectClose(y.nchw, try fixture.values("\(name)/out"), relative: 1e-5, "output")
    let xGradient = Tensor(x.shape)
    conv.backward(
      try fixture.images("\(name)/grad_out"), x: x, xGradient: xGradient, store: store,
      context: context)
    expectClose(xGradient.nchw, try fixture.values("\(name)/grad/x"), relative: 1e-5, "input")
    let weight = store.parameterGradients()["conv.weight"] ?? []
    expectClose(weight, try fixture.values("\(name)/grad/w"), relative: 1e-5, "weight")
  }

  @Test(arguments: [("bn_train", PassMode.training), ("bn_eval", .evaluating)])
  func batchNormEqualsPyTorch(_ name: String, mode: PassMode) throws {
    let fixture = try fixture()
    let x = try fixture.images("\(name)/in/x")
    var plan = ParameterLayoutPlan()
    let layer = BatchNorm2D("bn", channels: 6, plan: &plan)
    let store = ParameterStore(plan)
    store.set(layer.weight, to: try fixture.values("\(name)/in/w"))
    store.set(layer.bias, to: try fixture.values("\(name)/in/b"))
    let (mean, variance) = (store.buffer(layer.running.mean), store.buffer(layer.running.variance))
    mean.update(from: try fixture.values("\(name)/running_mean_before"), count: 6)
    variance.update(from: try fixture.values("\(name)/running_var_before"), count: 6)
    let y = Tensor(x.shape)
    let statistics = layer.forward(
      x, into: y, relu: false, mode: mode, store: store, context: context)
    expectClose(y.nchw, try fixture.values("\(name)/out"), relative: 1e-5, "output")
    for statistic in ["running_mean", "running_var"] {
      let expected = try fixture.values("\(name)/\(statistic)_after")
      expectClose(
        store.bufferValues()["bn.\(statistic)"] ?? [], expected, relative: 1e-6, statistic)
    }
    if mode == .evaluating { return }  // the engine differentiates training passes only
    let xGradient = Tensor(x.shape)
    layer.backward(
      try fixture.images("\(name)/grad_out"), x: x, reluOutput: nil, statistics: statistics,
      xGradient: xGradient, store: store, context: context)
    expectClose(xGradient.nchw, try fixture.values("\(name)/grad/x"), relative: 1e-5, "input")
    let gradients = store.parameterGradients()
    for (mine, theirs) in [("bn.weight", "w"), ("bn.bias", "b")] {
      expectClose(
        gradients[mine] ?? [], try fixture.values("\(name)/grad/\(theirs)"), relative: 1e-5, mine)
    }
  }

  @Test func averagePoolEqualsPyTorch() throws {
    let fixture = try fixture()
    let x = try fixture.images("adaptive_avg_pool1/in/x")
    let gradient = try fixture.images("adaptive_avg_pool1/grad_out")
    let (y, xGradient) = (Tensor(gradient.shape), Tensor(x.shape))
    GlobalAveragePool.forward(x, into: y, context: context)
    GlobalAveragePool.backward(gradient, xGradient: xGradient, context: context)
    expectClose(y.nchw, try fixture.values("adaptive_avg_pool1/out"), relative: 1e-6, "output")
    expectClose(
      xGradient.nchw, try fixture.values("adaptive_avg_pool1/grad/x"), relative: 1e-6, "gradient")
  }

  @Test func linearEqualsPyTorch() throws {
    let fixture = try fixture()
    var plan = ParameterLayoutPlan()
    let layer = Linear("linear", inputs: 12, outputs: 10, plan: &plan)
    let store = ParameterStore(plan)
    store.set(layer.weight, to: try fixture.values("linear/in/w"))
    store.set(layer.bias, to: try fixture.values("linear/in/b"))
    func row(_ name: String, _ channels: Int) throws -> Tensor {
      Tensor(
        Shape(batch: 5, height: 1, width: 1, channels: channels),
        in: FloatBuffer(try fixture.values("linear/\(name)")))
    }
    let (x, gradient) = (try row("in/x", 12), try row("grad_out", 10))
    let (y, xGradient) = (Tensor(gradient.shape), Tensor(x.shape))
    layer.forward(x, into: y, store: store, context: context)
    layer.backward(gradient, x: x, xGradient: xGradient, store: store, context: context)
    expectClose(y.array, try fixture.values("linear/out"), relative: 1e-5, "output")
    expectClose(xGradient.array, try fixture.values("linear/grad/x"), relative: 1e-5, "input")
    let gradients = store.parameterGradients()
    for (mine, theirs) in [("linear.weight", "w"), ("linear.bias", "b")] {
      let expected = try fixture.values("linear/grad/\(theirs)")
      expectClose(gradients[mine] ?? [], expected, relative: 1e-5, mine)
    }
  }

  /// The original's smoothing of 0.1 puts 0.9 on the label and 0.1 / 9 on each other class, where
  /// PyTorch's s puts s / 10 on all ten: equal for s = 0.1 · 10 / 9.
  @Test(arguments: [("cross_entropy", 0.0), ("label_smoothing_0.1", 0.1 * 10 / 9)])
  func crossEntropyEqualsPyTorch(_ name: String, smoothing: Double) throws {
    let fixture = try fixture()
    let logits = Tensor(
      Shape(batch: 7, height: 1, width: 1, channels: 10),
      in: FloatBuffer(try fixture.values("\(name)/in/x")))
    let gradient = Tensor(logits.shape)
    let result = CrossEntropy(labelSmoothing: smoothing).evaluate(
      logits, labels: try fixture.labels("\(name)/in/t"), globalCount: 7, gradient: gradient)
    expectClose(
      [Float(result.lossSum / 7)], try fixture.values("\(name)/out"), relative: 1e-6, "loss")
    expectClose(gradient.array, try fixture.values("\(name)/grad/x"), relative: 1e-5, "gradient")
  }
}
