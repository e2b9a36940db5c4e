import Core
import Distributed
import TestSupport
import Testing

/// One BatchNorm, [relu](bn(x) [+ residual]), with the inputs of a golden case; x is [4, 5, 3, 6].
struct BatchNormCase {
  let golden: Golden
  let layer: BatchNorm2D
  let store: ParameterStore
  let x: Tensor
  let residual: Tensor?
  let relu: Bool
  let context: ComputeContext

  init(_ name: String, threads: Int = 1) throws {
    golden = try Golden.load("unit_layers").branch(name)
    let shape = Shape(batch: 4, height: 5, width: 3, channels: 6)
    var plan = ParameterLayoutPlan()
    layer = BatchNorm2D("bn", channels: 6, plan: &plan)
    store = ParameterStore(plan)
    store.set(layer.weight, to: Formula.tensor("\(name)/weight", count: 6, scale: 0.5, offset: 1))
    store.set(layer.bias, to: Formula.tensor("\(name)/bias", count: 6, scale: 0.5))
    store.buffer(layer.running.mean).update(
      from: Formula.tensor("\(name)/running_mean", count: 6, scale: 0.5), count: 6)
    store.buffer(layer.running.variance).update(
      from: Formula.tensor("\(name)/running_var", count: 6, scale: 0.5, offset: 1), count: 6)
    x = Tensor(
      nchw: Formula.tensor("\(name)/input", count: shape.count, scale: 2, offset: 0.5), shape)
    let hasResidual = name.contains("residual")
    residual =
      hasResidual
      ? Tensor(nchw: Formula.tensor("\(name)/residual", count: shape.count), shape) : nil
    relu = name.contains("relu")
    self.name = name
    context = ComputeContext(threads: threads)
  }

  private let name: String
  static let training = ["batch_norm", "batch_norm_relu", "batch_norm_residual_relu"]

  var outputGradient: Tensor {
    Tensor(nchw: Formula.tensor("\(name)/output_gradient", count: x.shape.count), x.shape)
  }

  func forward(_ mode: PassMode = .training) -> (y: Tensor, statistics: BatchNorm2D.Statistics) {
    let y = Tensor(x.shape)
    let statistics = layer.forward(
      x, into: y, residual: residual, relu: relu, mode: mode, store: store, context: context)
    return (y, statistics)
  }

  /// The gradients of x and of the residual.
  func backward() -> (x: Tensor, residual: Tensor) {
    let (y, statistics) = forward()
    let (yGradient, xGradient) = (outputGradient, Tensor(x.shape))
    store.gradients.clear()
    layer.backward(
      yGradient, x: x, reluOutput: relu ? y : nil, statistics: statistics, xGradient: xGradient,
      store: store, context: context)
    return (xGradient, yGradient)
  }
}

@Suite("BatchNorm2D")
struct BatchNorm2DTests {
  @Test(arguments: BatchNormCase.training, [1, 3])
  func trainingForwardEqualsGolden(_ name: String, threads: Int) throws {
    let test = try BatchNormCase(name, threads: threads)
    expectClose(test.forward().y.nchw, try test.golden.tensor("output"), relative: 1e-6, name)
  }

  @Test func evaluatingForwardEqualsGolden() throws {
    let test = try BatchNormCase("batch_norm_evaluating")
    let y = test.forward(.evaluating).y
    expectClose(y.nchw, try test.golden.tensor("output"), relative: 1e-6)
  }

  @Test(arguments: BatchNormCase.training)
  func trainingMovesRunningStatistics(_ name: String) throws {
    let test = try BatchNormCase(name)
    _ = test.forward()
    let buffers = test.store.bufferValues()
    for (mine, golden) in [
      ("bn.running_mean", "running_mean_after"), ("bn.running_var", "running_var_after"),
    ] {
      expectClose(buffers[mine] ?? [], try test.golden.tensor(golden), relative: 1e-6, mine)
    }
    #expect(buffers["bn.num_batches_tracked"] == [1])
  }

  @Test func evaluatingMovesNothing() throws {
    let test = try BatchNormCase("batch_norm_evaluating")
    let before = test.store.bufferValues()
    _ = test.forward(.evaluating)
    #expect(test.store.bufferValues() == before)
  }

  @Test(arguments: BatchNormCase.training, [1, 3])
  func gradientsEqualGoldens(_ name: String, threads: Int) throws {
    let test = try BatchNormCase(name, threads: threads)
    let gradients = test.backward()
    let parameters = test.store.parameterGradients()
    expectClose(
      gradients.x.nchw, try test.golden.tensor("gradients/input"), relative: 2e-6, "input")
    for key in ["weight", "bias"] {
      expectClose(
        parameters["bn.\(key)"] ?? [], try test.golden.tensor("gradients/\(key)"), relative: 2e-6,
        key)
    }
    if test.residual != nil {
      expectClose(
        gradients.residual.nchw, try test.golden.tensor("gradients/residual"), relative: 1e-6,
        "residual")
    }
  }

  /// The step's square bounds the error of a difference of a smooth function: 1e-2 leaves some
  /// 1e-4.
  @Test func inputGradientEqualsFiniteDifferences() throws {
    let test = try BatchNormCase("batch_norm")
    let gradient = test.backward().x.array
    let weights = test.outputGradient.array
    let differences = FiniteDifference.gradient(at: test.x.array, step: 1e-2) { values in
      test.x.buffer.fill(from: values)
      return dot(test.forward().y.array, weights)
    }
    #expect(relativeL2Error(gradient.map { Double($0) }, differences) < 1e-3)
  }

  /// y is linear in weight and bias.
  @Test func parameterGradientsEqualFiniteDifferences() throws {
    let test = try BatchNormCase("batch_norm")
    _ = test.backward()
    let gradient = test.store.gradients.array
    let weights = test.outputGradient.array
    let differences = FiniteDifference.gradient(at: test.store.values.array, step: 0.5) { values in
      test.store.values.fill(from: values)
      return dot(test.forward().y.array, weights)
    }
    #expect(relativeL2Error(gradient.map { Double($0) }, differences) < 1e-5)
  }

  @Test func reluPassesNoGradientAtZero() throws {
    let test = try BatchNormCase("batch_norm_relu")
    test.store.values.clear()  // weight and bias zero: every output is exactly zero
    #expect(test.backward().x.array.allSatisfy { $0 == 0 })
    #expect(test.store.gradients.array.allSatisfy { $0 == 0 })
  }

  @Test func accumulatingBackwardAddsToOldGradient() throws {
    let test = try BatchNormCase("batch_norm")
    let once = test.backward().x.array
    let statistics = test.forward().statistics
    let xGradient = Tensor(test.x.shape, in: FloatBuffer(once))
    test.layer.backward(
      test.outputGradient, x: test.x, reluOutput: nil, statistics: statistics,
      xGradient: xGradient, accumulate: true, store: test.store, context: test.context)
    expectClose(xGradient.array, once.map { 2 * $0 }, relative: 1e-5)
  }

  /// Sums of squares about zero, or about a running mean still near it, lose the variance's digits
  /// here.
  @Test(arguments: [Float(8), 128])
  func varianceSurvivesALargeMean(mean: Float) throws {
    let noise = Formula.tensor("noise", count: 360)
    let shifted = noise.map { mean + $0 }
    let rounded = shifted.map { $0 - mean }  // exact: differs from `noise` as `shifted` was rounded
    let outputs = try [rounded, shifted].map { values in
      let test = try BatchNormCase("batch_norm")
      test.x.buffer.fill(from: values)
      return test.forward().y.array
    }
    expectClose(outputs[1], outputs[0], relative: 1e-4)
  }
}
