import Distributed

/// A convolution with what follows it: BatchNorm and ReLU, or its bias and, where wanted, a ReLU.
///
/// A network's stem, or a layer of a plain network. Shapes: x [N, H, W, I] → y [N, OH, OW, O].
final class ConvolutionBlock: Block {
  private let conv: Conv2D
  private let bn: BatchNorm2D?
  /// What is added where there is no BatchNorm.
  private let bias: BiasLayer?
  private let relu: Bool
  private let statistics: BatchNorm2D.Statistics
  /// The convolution's output; that of the block where there is no BatchNorm, empty where nothing
  /// but evaluation was asked for.
  private var convOutput: Tensor
  private var output: Tensor
  /// Whether the last forward left the convolution's output there.
  private var keepsNormalized = true
  private let tangentConvolution: TangentConvolution

  /// A block of `conv` and `bn`, which are registered already; a ReLU follows BatchNorm unless
  /// `relu` says otherwise.
  init(_ conv: Conv2D, _ bn: BatchNorm2D?, relu: Bool = true) {
    self.conv = conv
    self.bn = bn
    self.relu = relu
    bias = nil
    let shape = conv.outputShape(batch: 0)
    statistics = BatchNorm2D.Statistics(channels: shape.channels)
    convOutput = Tensor(shape)
    output = convOutput
    tangentConvolution = TangentConvolution(
      conv, bn.map { [statistics] in TangentNormalization($0, statistics) })
  }

  /// A block of `conv` with the bias that is registered as `bias`, and a ReLU where `relu` holds.
  init(_ conv: Conv2D, bias: ParameterSlot, relu: Bool) {
    self.conv = conv
    bn = nil
    self.relu = relu
    self.bias = BiasLayer(bias)
    statistics = BatchNorm2D.Statistics(channels: 0)
    convOutput = Tensor(conv.outputShape(batch: 0))
    output = convOutput
    tangentConvolution = TangentConvolution(conv)
  }

  func outputShape(batch: Int) -> Shape { conv.outputShape(batch: batch) }

  func reserve(_ capacity: Int, mode: PassMode) {
    output = Tensor(outputShape(batch: capacity), reusing: output)
    convOutput =
      bn == nil ? output : Tensor(outputShape(batch: mode.keepsActivations ? capacity : 0))
  }

  func forward(_ x: Tensor, pass: ForwardPass) -> Tensor {
    let (store, context) = (pass.store, pass.context)
    output = output.withBatch(x.shape.batch)
    guard let bn else {
      convOutput = output
      conv.forward(
        x, into: output, finish: bias?.finish(relu: relu, store: store), store: store,
        context: context)
      return output
    }
    keepsNormalized = pass.mode.keepsNormalized
    if !keepsNormalized {
      conv.forward(
        x, into: output, finish: bn.finish(statistics, relu: relu, store: store), store: store,
        context: context)
      return output
    }
    convOutput = convOutput.withBatch(x.shape.batch)
    let pixels = convOutput.shape.pixels
    bn.begin(statistics, mode: pass.mode, store: store, context: context)
    conv.forward(x, into: convOutput, store: store, context: context) { [self] in
      bn.add(convOutput, pixels: $0, thread: $1, to: statistics)
    }
    bn.end(statistics, pixels: pixels, store: store, context: context)
    context.pool.forEachShare(of: pixels) { [self] share, _ in
      bn.normalize(convOutput, into: output, relu: relu, statistics: statistics, pixels: share)
    }
    return output
  }

  func beginBackward(context: ComputeContext) {
    if bn != nil { statistics.clearSums(context) }
  }

  func receive(_ outputGradient: Tensor, pixels: Range<Int>, thread: Int) {
    guard let bn else { return }
    if keepsNormalized {
      bn.addGradient(
        outputGradient, x: convOutput, mask: relu ? .output(output.pointer) : .none, pixels: pixels,
        thread: thread, to: statistics)
    } else if relu {
      outputGradient.keep(wherePositive: output, pixels: pixels)
    }
  }

  func backward(
    _ outputGradient: Tensor, input: BlockInput, workspace: GradientWorkspace, pass: GradientPass,
    ready: GradientReady
  ) -> Tensor {
    var gradient = ConvolutionOutputGradient(outputGradient.pointer)
    if let bn {
      bn.endGradient(statistics, pass: pass)
      gradient = statistics.gradient(outputGradient, x: convOutput)
    }
    bias?.backward(outputGradient, reluOutput: relu ? output : nil, pass: pass)
    let xGradient = input.place(in: workspace)
    conv.backward(gradient, x: input.x, xGradient: xGradient, pass: pass) {
      if let xGradient { ready(xGradient, $0, $1) }
    }
    return xGradient ?? outputGradient
  }
}

extension ConvolutionBlock: LinearizedBlock {
  /// A bare convolution has no ReLU, whatever `relu` says.
  private var rectifies: Bool { relu && (bn != nil || bias != nil) }

  func tangent(_ t: Tensor, x: Tensor, pass: GradientPass) -> Tensor {
    let moved = tangentConvolution.forward(t, pass: pass)
    if rectifies { moved.keep(wherePositive: output, context: pass.context) }
    return moved
  }

  func tangentBackward(_ gradient: Tensor, x: Tensor, pass: GradientPass) -> Tensor {
    guard rectifies else { return tangentConvolution.backward(gradient, pass: pass) }
    let masked = gradient.copied
    masked.keep(wherePositive: output, context: pass.context)
    return tangentConvolution.backward(masked, pass: pass)
  }
}
