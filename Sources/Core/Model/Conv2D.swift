/// A square 2-D convolution without bias (PyTorch `Conv2d(bias=False)`).
///
/// Shapes: x [N, H, W, I] → y [N, OH, OW, O] with OH = (H + 2 padding - kernel) / stride + 1;
/// weight OIHW in PyTorch, kept as HWIO.
public struct Conv2D: Sendable {
  /// The weight's place in the parameters.
  public let weight: ParameterSlot
  let geometry: ConvolutionGeometry

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
    Im2ColConvolution(geometry: geometry).forward(
      input: x.pointer, weights: store.value(weight), output: y.pointer, batch: x.shape.batch,
      accumulate: accumulate, context: context)
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
    let convolution = Im2ColConvolution(geometry: geometry)
    if let shards = context.imageShards {
      addShardedWeightGradient(yGradient, x: x, shards: shards, store: store, context: context)
    } else {
      convolution.backwardWeights(
        input: x.pointer, outputGradient: yGradient.pointer,
        weightGradient: store.gradient(weight), batch: x.shape.batch, context: context)
    }
    guard let xGradient else { return }
    precondition(xGradient.shape == x.shape, "gradient \(xGradient.shape) of input \(x.shape)")
    convolution.backwardInput(
      outputGradient: yGradient.pointer, weights: store.value(weight),
      inputGradient: xGradient.pointer, batch: x.shape.batch, accumulate: accumulate,
      context: context)
  }

  /// See Note [Sums that do not depend on the world].
  private func addShardedWeightGradient(
    _ yGradient: Tensor, x: Tensor, shards: [Range<Int>], store: ParameterStore,
    context: ComputeContext
  ) {
    let convolution = Im2ColConvolution(geometry: geometry)
    let (xSize, ySize) = (x.shape.withBatch(1).count, yGradient.shape.withBatch(1).count)
    let partials = context.scratch(perThread: weight.count)
    context.forEachShard(shards) { images, single, thread in
      partials[thread].update(repeating: 0, count: weight.count)
      convolution.backwardWeights(
        input: x.pointer + images.lowerBound * xSize,
        outputGradient: yGradient.pointer + images.lowerBound * ySize,
        weightGradient: partials[thread], batch: images.count, context: single)
    } roundEnded: { count in
      store.addWideGradient(Array(partials[..<count]), of: weight, pool: context.pool)
    }
  }

  private func check(_ x: Tensor, _ y: Tensor) {
    precondition(
      x.shape.height == geometry.inputHeight && x.shape.width == geometry.inputWidth
        && x.shape.channels == geometry.inputChannels, "\(weight.name) given \(x.shape)")
    precondition(
      y.shape == outputShape(batch: x.shape.batch), "\(weight.name) output is \(y.shape)")
  }
}
