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
    switch algorithm(in: context) {
    case .winograd(let convolution):
      convolution.backward(
        input: ConvolutionInput(x.pointer),
        outputGradient: ConvolutionOutputGradient(yGradient.pointer),
        weights: store.value(weight), weightGradient: store.gradient(weight),
        inputGradient: xGradient.map { .init($0.pointer, accumulate: accumulate) },
        batch: x.shape.batch, context: context)
    case .im2col(let convolution):
      convolution.backwardWeights(
        input: x.pointer, outputGradient: yGradient.pointer,
        weightGradient: store.gradient(weight), batch: x.shape.batch, context: context)
      guard let xGradient else { return }
      convolution.backwardInput(
        outputGradient: yGradient.pointer, weights: store.value(weight),
        inputGradient: xGradient.pointer, batch: x.shape.batch, accumulate: accumulate,
        context: context)
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
