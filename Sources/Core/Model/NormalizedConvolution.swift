import Distributed

/// conv(relu(bn(x))), which pre-activation and densely connected networks are made of.
///
/// relu(bn(x)) is not kept: whoever reads it computes it from x. Shapes: x [N, H, W, I] →
/// y [N, OH, OW, O].
struct NormalizedConvolution {
  let bn: BatchNorm2D
  let conv: Conv2D
  private let statistics: BatchNorm2D.Statistics

  /// Registers `norm`, then `name`, a convolution with a square kernel.
  init(
    norm: String, _ name: String, input: Shape, outputChannels: Int, kernel: Int,
    plan: inout ParameterLayoutPlan
  ) {
    bn = BatchNorm2D(norm, channels: input.channels, plan: &plan)
    conv = Conv2D(name, input: input, outputChannels: outputChannels, kernel: kernel, plan: &plan)
    statistics = BatchNorm2D.Statistics(channels: input.channels)
  }

  /// y = conv(relu(bn(x))).
  func forward(_ x: Tensor, into y: Tensor, pass: ForwardPass) {
    let (mode, store, context) = (pass.mode, pass.store, pass.context)
    if mode == .training {
      bn.begin(statistics, mode: mode, store: store, context: context)
      context.forEachImage(x.shape) { bn.add(x, pixels: $0, thread: $1, to: statistics) }
      bn.end(statistics, pixels: x.shape.pixels, store: store, context: context)
    } else {
      bn.useRunning(statistics, store: store)
    }
    conv.forward(x, rectified: statistics.affine, into: y, store: store, context: context)
  }

  /// The gradient of x into `xGradient`, to which `finish` may add before it is told to others.
  func backward(
    _ yGradient: Tensor, x: Tensor, xGradient: Tensor, pass: GradientPass,
    finish: (_ pixels: Range<Int>, _ thread: Int) -> Void
  ) {
    let context = pass.context
    statistics.clearSums(context)
    conv.backward(
      ConvolutionOutputGradient(yGradient.pointer), x: x, rectified: statistics.affine,
      xGradient: xGradient, pass: pass
    ) { [self] in
      bn.addGradient(
        xGradient, x: x, mask: .affine(statistics.affine), pixels: $0, thread: $1, to: statistics)
    }
    bn.endGradient(statistics, pass: pass)
    context.forEachImage(xGradient.shape) { [self] pixels, thread in
      ChannelKernels.combine(
        statistics.gradient(xGradient, x: x), into: xGradient.pointer, rows: pixels,
        channels: bn.channels, accumulate: false)
      finish(pixels, thread)
    }
  }
}

/// One `NormalizedConvolution` as a block.
final class NormalizedConvolutionBlock: Block {
  private let unit: NormalizedConvolution
  private var output: Tensor

  /// A block of `unit`, which is registered already.
  init(_ unit: NormalizedConvolution) {
    self.unit = unit
    output = Tensor(unit.conv.outputShape(batch: 0))
  }

  func outputShape(batch: Int) -> Shape { output.shape.withBatch(batch) }

  func reserve(_ capacity: Int, mode: PassMode) {
    output = Tensor(outputShape(batch: capacity), reusing: output)
  }

  func forward(_ x: Tensor, pass: ForwardPass) -> Tensor {
    output = output.withBatch(x.shape.batch)
    unit.forward(x, into: output, pass: pass)
    return output
  }

  func backward(
    _ outputGradient: Tensor, input: BlockInput, workspace: GradientWorkspace, pass: GradientPass,
    ready: GradientReady
  ) -> Tensor {
    let gradient = workspace.nextCarriedGradient(input.x.shape)
    unit.backward(outputGradient, x: input.x, xGradient: gradient, pass: pass) {
      ready(gradient, $0, $1)
    }
    return gradient
  }
}

/// One layer of a densely connected network: what two `NormalizedConvolution`s make of x stands
/// behind x's own channels (DenseNet-B of Huang and others, 2017).
///
/// Shapes: x [N, H, W, C] → y [N, H, W, C + growth].
final class DenseLayerBlock: Block {
  private let first, second: NormalizedConvolution
  private var hidden: Tensor
  private var added: Tensor
  private var output: Tensor

  /// Registers the layer `name` in PyTorch's order: norm1, conv1 (1x1, to `planes`), norm2, conv2
  /// (3x3, to `growth`).
  init(_ name: String, input: Shape, planes: Int, growth: Int, plan: inout ParameterLayoutPlan) {
    first = NormalizedConvolution(
      norm: "\(name).norm1", "\(name).conv1", input: input, outputChannels: planes, kernel: 1,
      plan: &plan)
    hidden = Tensor(first.conv.outputShape(batch: 0))
    second = NormalizedConvolution(
      norm: "\(name).norm2", "\(name).conv2", input: hidden.shape, outputChannels: growth,
      kernel: 3, plan: &plan)
    added = Tensor(second.conv.outputShape(batch: 0))
    var shape = input.withBatch(0)
    shape.channels += growth
    output = Tensor(shape)
  }

  func outputShape(batch: Int) -> Shape { output.shape.withBatch(batch) }

  func reserve(_ capacity: Int, mode: PassMode) {
    hidden = Tensor(hidden.shape.withBatch(capacity), reusing: hidden)
    added = Tensor(added.shape.withBatch(capacity), reusing: added)
    output = Tensor(outputShape(batch: capacity), reusing: output)
  }

  func forward(_ x: Tensor, pass: ForwardPass) -> Tensor {
    let batch = x.shape.batch
    (hidden, added) = (hidden.withBatch(batch), added.withBatch(batch))
    output = output.withBatch(batch)
    first.forward(x, into: hidden, pass: pass)
    second.forward(hidden, into: added, pass: pass)
    let (kept, new) = (x.shape.channels, added.shape.channels)
    pass.context.pool.forEachShare(of: x.shape.pixels) { pixels, _ in
      for pixel in pixels {
        let target = output.pointer + pixel * (kept + new)
        target.update(from: x.pointer + pixel * kept, count: kept)
        (target + kept).update(from: added.pointer + pixel * new, count: new)
      }
    }
    return output
  }

  func backward(
    _ outputGradient: Tensor, input: BlockInput, workspace: GradientWorkspace, pass: GradientPass,
    ready: GradientReady
  ) -> Tensor {
    let (x, new) = (input.x, workspace.inner(added.shape, index: 1))
    let (kept, growth) = (x.shape.channels, added.shape.channels)
    pass.context.pool.forEachShare(of: x.shape.pixels) { pixels, _ in
      for pixel in pixels {
        (new.pointer + pixel * growth).update(
          from: outputGradient.pointer + pixel * (kept + growth) + kept, count: growth)
      }
    }
    let inner = workspace.inner(hidden.shape)
    second.backward(new, x: hidden, xGradient: inner, pass: pass) { _, _ in }
    let gradient = workspace.nextCarriedGradient(x.shape)
    first.backward(inner, x: x, xGradient: gradient, pass: pass) { pixels, thread in
      for pixel in pixels {
        let (target, own) = (
          gradient.pointer + pixel * kept, outputGradient.pointer + pixel * (kept + growth)
        )
        for c in 0..<kept { target[c] += own[c] }
      }
      ready(gradient, pixels, thread)
    }
    return gradient
  }
}
