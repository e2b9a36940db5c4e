/// A square 2-D convolution without bias (PyTorch `Conv2d(bias=False)`).
///
/// Shapes: x [N, H, W, I] → y [N, OH, OW, O] with OH = (H + 2 padding - kernel) / stride + 1;
/// weight OIHW in PyTorch, kept as HWIO.
public struct Conv2D: Sendable {
  /// The weight's place in the parameters.
  public let weight: ParameterSlot
  let geometry: ConvolutionGeometry
  private let algorithm: ConvolutionAlgorithm

  /// Registers `name.weight` for inputs of `input`'s height, width and channels.
  public init(
    _ name: String, input: Shape, outputChannels: Int, kernel: Int = 3, stride: Int = 1,
    plan: inout ParameterLayoutPlan
  ) {
    weight = plan.parameter(
      "\(name).weight", shape: [outputChannels, input.channels, kernel, kernel],
      layout: .convolutionHWIO)
    geometry = ConvolutionGeometry(
      inputHeight: input.height, inputWidth: input.width, inputChannels: input.channels,
      outputChannels: outputChannels, kernel: kernel, stride: stride, padding: kernel / 2)
    algorithm = ConvolutionAlgorithm(geometry)
  }

  /// The shape of the output for `batch` images.
  public func outputShape(batch: Int) -> Shape {
    Shape(
      batch: batch, height: geometry.outputHeight, width: geometry.outputWidth,
      channels: geometry.outputChannels)
  }

  /// y = x * weight, added to y's old values where `accumulate` holds.
  public func forward(
    _ x: Tensor, into y: Tensor, accumulate: Bool = false, store: ParameterStore,
    context: ComputeContext
  ) {
    check(x, y)
    switch algorithm(in: context) {
    case .winograd(let convolution):
      convolution.forward(
        input: ConvolutionInput(x.pointer), weights: store.value(weight), output: y.pointer,
        batch: x.shape.batch, accumulate: accumulate, context: context)
    case .im2col(let convolution):
      convolution.forward(
        input: x.pointer, weights: store.value(weight), output: y.pointer, batch: x.shape.batch,
        accumulate: accumulate, context: context)
    }
  }

  /// Adds the weight's gradient to the store and yields the input's gradient.
  ///
  /// The latter is written into `xGradient`, or added there where `accumulate` holds; without
  /// `xGradient` only the weight's gradient is computed.
  public func backward(
    _ yGradient: Tensor, x: Tensor, xGradient: Tensor?, accumulate: Bool = false,
    store: ParameterStore, context: ComputeContext
  ) {
    check(x, yGradient)
    if let xGradient {
      precondition(xGradient.shape == x.shape, "gradient \(xGradient.shape) of input \(x.shape)")
    }
    let pass = BackwardPass(
      x: x, yGradient: yGradient, xGradient: xGradient, accumulates: accumulate,
      weights: store.value(weight), algorithm: algorithm(in: context))
    guard let shards = context.imageShards else {
      return pass.run(0..<x.shape.batch, into: store.gradient(weight), context: context)
    }
    // See Note [Sums that do not depend on the world].
    let partials = context.scratch(perThread: weight.count)
    context.forEachShard(shards) { images, single, thread in
      partials[thread].update(repeating: 0, count: weight.count)
      pass.run(images, into: partials[thread], context: single)
    } roundEnded: { count in
      store.addWideGradient(Array(partials[..<count]), of: weight, pool: context.pool)
    }
  }

  private func algorithm(in context: ComputeContext) -> ConvolutionAlgorithm {
    context.convolution == .im2col
      ? .im2col(Im2ColConvolution(geometry: geometry)) : algorithm
  }

  private func check(_ x: Tensor, _ y: Tensor) {
    precondition(
      x.shape.height == geometry.inputHeight && x.shape.width == geometry.inputWidth
        && x.shape.channels == geometry.inputChannels, "\(weight.name) given \(x.shape)")
    precondition(
      y.shape == outputShape(batch: x.shape.batch), "\(weight.name) output is \(y.shape)")
  }
}

/// One convolution's backward, which may be asked for some of the batch's images at a time.
private struct BackwardPass {
  let x: Tensor
  let yGradient: Tensor
  let xGradient: Tensor?
  let accumulates: Bool
  let weights: UnsafeMutablePointer<Float>
  let algorithm: ConvolutionAlgorithm

  /// Adds what `images` contribute to `weightGradient`, and yields their part of the input's gradient.
  func run(
    _ images: Range<Int>, into weightGradient: UnsafeMutablePointer<Float>, context: ComputeContext
  ) {
    let input = x.pointer(image: images.lowerBound)
    let outputGradient = yGradient.pointer(image: images.lowerBound)
    let inputGradient = xGradient?.pointer(image: images.lowerBound)
    switch algorithm {
    case .winograd(let convolution):
      convolution.backward(
        input: ConvolutionInput(input), outputGradient: ConvolutionOutputGradient(outputGradient),
        weights: weights, weightGradient: weightGradient,
        inputGradient: inputGradient.map { .init($0, accumulate: accumulates) },
        batch: images.count, context: context)
    case .im2col(let convolution):
      convolution.backwardWeights(
        input: input, outputGradient: outputGradient, weightGradient: weightGradient,
        batch: images.count, context: context)
      guard let inputGradient else { return }
      convolution.backwardInput(
        outputGradient: outputGradient, weights: weights, inputGradient: inputGradient,
        batch: images.count, accumulate: accumulates, context: context)
    }
  }
}
