import Distributed

/// f(bn(conv(x))), plain or depthwise: what mobile networks are made of.
///
/// Shapes: x [N, H, W, I] → y [N, OH, OW, O].
final class ActivatedConvolution {
  /// Its convolution.
  enum Kernel {
    case full(Conv2D)
    case depthwise(DepthwiseConvolution)
  }

  private let kernel: Kernel
  private let bn: BatchNorm2D
  private let activation: Activation
  private var statistics: BatchNorm2D.Statistics
  private var convolved, normalized: Tensor
  /// The last forward's y.
  private(set) var output: Tensor

  /// Registers the BatchNorm `norm` behind `kernel`, which is registered already.
  init(_ kernel: Kernel, norm: String, _ activation: Activation, plan: inout ParameterLayoutPlan) {
    let shape =
      switch kernel {
      case .full(let conv): conv.outputShape(batch: 0)
      case .depthwise(let conv): conv.output
      }
    (self.kernel, self.activation) = (kernel, activation)
    bn = BatchNorm2D(
      norm, channels: shape.channels, epsilon: 0.001, momentum: 0.01, plan: &plan)
    statistics = BatchNorm2D.Statistics(channels: shape.channels)
    (convolved, normalized, output) = (Tensor(shape), Tensor(shape), Tensor(shape))
  }

  func reserve(_ capacity: Int) {
    let shape = output.shape.withBatch(capacity)
    convolved = Tensor(shape, reusing: convolved)
    normalized = Tensor(shape, reusing: normalized)
    output = Tensor(shape, reusing: output)
  }

  func forward(_ x: Tensor, pass: ForwardPass) -> Tensor {
    let batch = x.shape.batch
    (convolved, normalized) = (convolved.withBatch(batch), normalized.withBatch(batch))
    output = output.withBatch(batch)
    switch kernel {
    case .full(let conv):
      conv.forward(x, into: convolved, store: pass.store, context: pass.context)
    case .depthwise(let conv): conv.forward(x, into: convolved, pass: pass)
    }
    statistics = bn.forward(
      convolved, into: normalized, relu: false, mode: pass.mode, store: pass.store,
      context: pass.context)
    let channels = output.shape.channels
    pass.context.pool.forEachShare(of: output.shape.pixels) { [self] pixels, _ in
      for place in pixels.lowerBound * channels..<pixels.upperBound * channels {
        output.pointer[place] = activation(normalized.pointer[place])
      }
    }
    return output
  }

  /// The gradient of x into `xGradient`; `gradient`, of y, is overwritten.
  func backward(_ gradient: Tensor, x: Tensor, xGradient: Tensor?, pass: GradientPass) {
    let (context, channels) = (pass.context, output.shape.channels)
    statistics.clearSums(context)
    context.forEachImage(output.shape) { [self] pixels, thread in
      for place in pixels.lowerBound * channels..<pixels.upperBound * channels {
        gradient.pointer[place] *= activation.slope(normalized.pointer[place])
      }
      bn.addGradient(
        gradient, x: convolved, mask: .none, pixels: pixels, thread: thread, to: statistics)
    }
    bn.endGradient(statistics, pass: pass)
    if case .full(let conv) = kernel {
      return conv.backward(
        statistics.gradient(gradient, x: convolved), x: x, xGradient: xGradient, pass: pass)
    }
    context.pool.forEachShare(of: output.shape.pixels) { [self] pixels, _ in
      ChannelKernels.combine(
        statistics.gradient(gradient, x: convolved), into: gradient.pointer, rows: pixels,
        channels: channels, accumulate: false)
    }
    if case .depthwise(let conv) = kernel, let xGradient {
      conv.backward(gradient, x: x, xGradient: xGradient, pass: pass)
    }
  }
}

/// One `ActivatedConvolution` as a block.
final class ActivatedConvolutionBlock: Block {
  private let unit: ActivatedConvolution

  /// A block of `unit`, which is registered already.
  init(_ unit: ActivatedConvolution) { self.unit = unit }

  func outputShape(batch: Int) -> Shape { unit.output.shape.withBatch(batch) }

  func reserve(_ capacity: Int, mode: PassMode) { unit.reserve(capacity) }

  func forward(_ x: Tensor, pass: ForwardPass) -> Tensor { unit.forward(x, pass: pass) }

  func backward(
    _ outputGradient: Tensor, input: BlockInput, workspace: GradientWorkspace, pass: GradientPass,
    ready: GradientReady
  ) -> Tensor {
    let gradient = input.place(in: workspace)
    unit.backward(outputGradient, x: input.x, xGradient: gradient, pass: pass)
    guard let gradient else { return outputGradient }
    pass.context.forEachImage(gradient.shape) { ready(gradient, $0, $1) }
    return gradient
  }
}
