import Distributed

/// A convolution, with BatchNorm and ReLU after it where it has them: a network's stem, or a layer
/// of a plain network.
///
/// Shapes: x [N, H, W, I] → y [N, OH, OW, O].
final class ConvolutionBlock: Block {
  private let conv: Conv2D
  private let bn: BatchNorm2D?
  private let statistics: BatchNorm2D.Statistics
  /// The convolution's output; that of the block where there is no BatchNorm, empty where nothing
  /// but evaluation was asked for.
  private var convOutput: Tensor
  private var output: Tensor

  /// A block of `conv` and `bn`, which are registered already.
  init(_ conv: Conv2D, _ bn: BatchNorm2D?) {
    self.conv = conv
    self.bn = bn
    statistics = BatchNorm2D.Statistics(channels: conv.outputShape(batch: 0).channels)
    convOutput = Tensor(conv.outputShape(batch: 0))
    output = convOutput
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
      conv.forward(x, into: output, store: store, context: context)
      return output
    }
    if pass.mode == .evaluating {
      conv.forward(
        x, into: output, finish: bn.finish(statistics, relu: true, store: store), store: store,
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
      bn.normalize(convOutput, into: output, relu: true, statistics: statistics, pixels: share)
    }
    return output
  }

  func beginBackward(context: ComputeContext) {
    if bn != nil { statistics.clearSums(threads: context.threads) }
  }

  func receive(_ outputGradient: Tensor, pixels: Range<Int>, thread: Int) {
    bn?.addGradient(
      outputGradient, x: convOutput, mask: .output(output.pointer), pixels: pixels, thread: thread,
      to: statistics)
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
    let xGradient = input.place(in: workspace)
    conv.backward(gradient, x: input.x, xGradient: xGradient, pass: pass) {
      if let xGradient { ready(xGradient, $0, $1) }
    }
    return xGradient ?? outputGradient
  }
}
