import Core
import Distributed
import TestSupport
import Testing

/// One convolution with the inputs of a golden case.
struct ConvolutionCase {
  let golden: Golden
  let conv: Conv2D
  let store: ParameterStore
  let x: Tensor
  let yGradient: Tensor

  init(_ name: String) throws {
    golden = try Golden.load("unit_layers").branch(name)
    let sizes = try golden.integers("input_shape")
    let shape = Shape(batch: sizes[0], height: sizes[2], width: sizes[3], channels: sizes[1])
    var plan = ParameterLayoutPlan()
    conv = Conv2D(
      "conv", input: shape, outputChannels: Int(try golden.number("output_channels")),
      kernel: Int(try golden.number("kernel")), stride: Int(try golden.number("stride")),
      plan: &plan)
    store = ParameterStore(plan)
    store.set(
      conv.weight, to: Formula.tensor("\(name)/weight", count: conv.weight.count, scale: 0.5))
    x = Tensor(nchw: Formula.tensor("\(name)/input", count: shape.count), shape)
    let output = conv.outputShape(batch: shape.batch)
    yGradient = Tensor(
      nchw: Formula.tensor("\(name)/output_gradient", count: output.count), output)
  }

  static var names: [String] {
    (try? Golden.load("unit_layers").keys().filter { $0.hasPrefix("conv") }) ?? []
  }

  func forward(threads: Int = 1) -> Tensor {
    let y = Tensor(conv.outputShape(batch: x.shape.batch))
    conv.forward(x, into: y, store: store, context: ComputeContext(threads: threads))
    return y
  }

  func backward(threads: Int = 1) -> Tensor {
    let xGradient = Tensor(x.shape)
    store.gradients.clear()
    conv.backward(
      yGradient, x: x, xGradient: xGradient, store: store,
      context: ComputeContext(threads: threads))
    return xGradient
  }
}

@Suite("Conv2D")
struct Conv2DTests {
  @Test func goldensHaveConvolutions() {
    #expect(ConvolutionCase.names.count == 11)
  }

  @Test(arguments: ConvolutionCase.names, [1, 3])
  func forwardEqualsGolden(_ name: String, threads: Int) throws {
    let test = try ConvolutionCase(name)
    let y = test.forward(threads: threads)
    expectClose(y.nchw, try test.golden.tensor("output"), relative: 2e-6, name)
  }

  @Test(arguments: ConvolutionCase.names, [1, 3])
  func inputGradientEqualsGolden(_ name: String, threads: Int) throws {
    let test = try ConvolutionCase(name)
    let gradient = test.backward(threads: threads)
    expectClose(gradient.nchw, try test.golden.tensor("gradients/input"), relative: 2e-6, name)
  }

  @Test(arguments: ConvolutionCase.names, [1, 3])
  func weightGradientEqualsGolden(_ name: String, threads: Int) throws {
    let test = try ConvolutionCase(name)
    _ = test.backward(threads: threads)
    let gradient = test.store.parameterGradients()["conv.weight"] ?? []
    expectClose(gradient, try test.golden.tensor("gradients/weight"), relative: 2e-6, name)
  }

  /// A convolution is linear in its input, so any step is right; 0.5 keeps rounding small.
  @Test(arguments: ["conv3x3_stride1_2x7x6x3_to_5", "conv3x3_stride2_2x7x5x3_to_4"])
  func inputGradientEqualsFiniteDifferences(_ name: String) throws {
    let test = try ConvolutionCase(name)
    let gradient = test.backward().array
    let differences = FiniteDifference.gradient(at: test.x.array, step: 0.5) { values in
      test.x.buffer.fill(from: values)
      return dot(test.forward().array, test.yGradient.array)
    }
    #expect(relativeL2Error(gradient.map { Double($0) }, differences) < 1e-5)
  }

  @Test(arguments: ["conv3x3_stride2_2x8x8x4_to_3", "conv1x1_stride2_2x7x5x3_to_4"])
  func weightGradientEqualsFiniteDifferences(_ name: String) throws {
    let test = try ConvolutionCase(name)
    _ = test.backward()
    let gradient = test.store.gradients.array
    let differences = FiniteDifference.gradient(at: test.store.values.array, step: 0.5) { values in
      test.store.values.fill(from: values)
      return dot(test.forward().array, test.yGradient.array)
    }
    #expect(relativeL2Error(gradient.map { Double($0) }, differences) < 1e-5)
  }

  @Test(arguments: ConvolutionCase.names)
  func accumulatingForwardAddsToOldOutput(_ name: String) throws {
    let test = try ConvolutionCase(name)
    let y = Tensor(nchw: test.yGradient.nchw, test.yGradient.shape)
    test.conv.forward(
      test.x, into: y, accumulate: true, store: test.store, context: ComputeContext(threads: 2))
    let expected = zip(test.forward().array, test.yGradient.array).map { $0 + $1 }
    expectClose(y.array, expected, relative: 1e-6, name)
  }

  @Test(arguments: ConvolutionCase.names)
  func accumulatingBackwardAddsToOldGradients(_ name: String) throws {
    let test = try ConvolutionCase(name)
    let once = test.backward().array
    let weightOnce = test.store.gradients.array
    let xGradient = Tensor(test.x.shape, in: FloatBuffer(once))
    test.conv.backward(
      test.yGradient, x: test.x, xGradient: xGradient, accumulate: true, store: test.store,
      context: ComputeContext(threads: 1))
    expectClose(xGradient.array, once.map { 2 * $0 }, relative: 1e-6, "input gradient")
    expectClose(
      test.store.gradients.array, weightOnce.map { 2 * $0 }, relative: 1e-6, "weight gradient")
  }

  @Test(arguments: ConvolutionCase.names)
  func weightGradientNeedsNoInputGradient(_ name: String) throws {
    let test = try ConvolutionCase(name)
    _ = test.backward()
    let expected = test.store.gradients.array
    test.store.gradients.clear()
    test.conv.backward(
      test.yGradient, x: test.x, xGradient: nil, store: test.store,
      context: ComputeContext(threads: 1))
    #expect(test.store.gradients.array == expected)
  }

  /// Sums associate by thread, so equality to the bit holds for one number of threads.
  @Test func resultsRepeatToTheBit() throws {
    let test = try ConvolutionCase("conv3x3_stride1_2x9x11x16_to_24")
    let first = (test.forward(threads: 3).array, test.backward(threads: 3).array)
    let weight = test.store.gradients.array
    for _ in 0..<5 {
      #expect(test.forward(threads: 3).array == first.0)
      #expect(test.backward(threads: 3).array == first.1)
      #expect(test.store.gradients.array == weight)
    }
  }
}
