import Distributed

/// The pre-activation block: a = relu(bn1(x)); out = conv2(relu(bn2(conv1(a)))) + shortcut.
///
/// The shortcut is x itself, or conv1x1(a) without BatchNorm where the size changes
/// (He et al. 2016, "Identity mappings in deep residual networks").
final class PreActBlock: Block {
  private let bn1: BatchNorm2D
  private let conv1: Conv2D
  private let bn2: BatchNorm2D
  private let conv2: Conv2D
  private let shortcut: Conv2D?

  /// What backward needs of forward, by name; activations after a ReLU are computed as they are
  /// read.
  private struct Activations {
    var conv1: Tensor
    var output: Tensor
  }
  private var activations: Activations?
  private let statistics1: BatchNorm2D.Statistics
  private let statistics2: BatchNorm2D.Statistics
  /// What the input moves by in the last tangent.
  private var input: Tensor?
  private lazy var tangents = (
    norm1: TangentNormalization(bn1, statistics1),
    conv1: TangentConvolution(conv1, TangentNormalization(bn2, statistics2)),
    conv2: TangentConvolution(conv2), shortcut: shortcut.map { TangentConvolution($0) }
  )

  /// Registers the block `name` in PyTorch's order: bn1, conv1, bn2, conv2, shortcut.
  init(
    _ name: String, input: Shape, outputChannels: Int, stride: Int, plan: inout ParameterLayoutPlan
  ) {
    statistics1 = BatchNorm2D.Statistics(channels: input.channels)
    statistics2 = BatchNorm2D.Statistics(channels: outputChannels)
    bn1 = BatchNorm2D("\(name).bn1", channels: input.channels, plan: &plan)
    conv1 = Conv2D(
      "\(name).conv1", input: input, outputChannels: outputChannels, stride: stride, plan: &plan)
    bn2 = BatchNorm2D("\(name).bn2", channels: outputChannels, plan: &plan)
    conv2 = Conv2D(
      "\(name).conv2", input: conv1.outputShape(batch: 0), outputChannels: outputChannels,
      plan: &plan)
    let changesSize = stride != 1 || input.channels != outputChannels
    shortcut =
      changesSize
      ? Conv2D(
        "\(name).shortcut.0", input: input, outputChannels: outputChannels, kernel: 1,
        stride: stride, plan: &plan) : nil
  }

  func outputShape(batch: Int) -> Shape { conv2.outputShape(batch: batch) }

  func reserve(_ capacity: Int, mode: PassMode) {
    let shape = outputShape(batch: capacity)
    activations = Activations(
      conv1: Tensor(shape, reusing: activations?.conv1),
      output: Tensor(shape, reusing: activations?.output))
  }

  private func activations(batch: Int) -> Activations {
    guard let a = activations else { preconditionFailure("a block is used before reserve") }
    return Activations(conv1: a.conv1.withBatch(batch), output: a.output.withBatch(batch))
  }

  func forward(_ x: Tensor, pass: ForwardPass) -> Tensor {
    let (mode, store, context) = (pass.mode, pass.store, pass.context)
    let a = activations(batch: x.shape.batch)
    if mode == .training {
      bn1.begin(statistics1, mode: mode, store: store, context: context)
      context.forEachImage(x.shape) {
        bn1.add(x, pixels: $0, thread: $1, to: statistics1)
      }
      bn1.end(statistics1, pixels: x.shape.pixels, store: store, context: context)
      bn2.begin(statistics2, mode: mode, store: store, context: context)
      conv1.forward(
        x, rectified: statistics1.affine, into: a.conv1, store: store, context: context
      ) { [self] in bn2.add(a.conv1, pixels: $0, thread: $1, to: statistics2) }
      bn2.end(statistics2, pixels: a.conv1.shape.pixels, store: store, context: context)
    } else {
      bn1.useRunning(statistics1, store: store)
      bn2.useRunning(statistics2, store: store)
      conv1.forward(
        x, rectified: statistics1.affine, into: a.conv1, store: store, context: context)
    }
    if let shortcut {
      shortcut.forward(
        x, rectified: statistics1.affine, into: a.output, store: store, context: context)
    } else {
      context.pool.forEachShare(of: x.shape.count) { share, _ in
        (a.output.pointer + share.lowerBound)
          .update(from: x.pointer + share.lowerBound, count: share.count)
      }
    }
    conv2.forward(
      a.conv1, rectified: statistics2.affine, into: a.output, accumulate: true, store: store,
      context: context)
    return a.output
  }

  func backward(
    _ outputGradient: Tensor, input: BlockInput, workspace: GradientWorkspace, pass: GradientPass,
    ready: GradientReady
  ) -> Tensor {
    let (x, context) = (input.x, pass.context)
    let a = activations(batch: x.shape.batch)
    let (inner, activated) = (workspace.inner(a.conv1.shape), workspace.spare(x.shape))
    statistics2.clearSums(context)
    conv2.backward(
      ConvolutionOutputGradient(outputGradient.pointer), x: a.conv1,
      rectified: statistics2.affine, xGradient: inner, pass: pass
    ) { [self] in
      bn2.addGradient(
        inner, x: a.conv1, mask: .affine(statistics2.affine), pixels: $0, thread: $1,
        to: statistics2)
    }
    bn2.endGradient(statistics2, pass: pass)
    conv1.backward(
      statistics2.gradient(inner, x: a.conv1), x: x, rectified: statistics1.affine,
      xGradient: activated, pass: pass)
    var xGradient = outputGradient  // the identity shortcut's gradient, to which bn1 adds
    if let shortcut {
      shortcut.backward(
        ConvolutionOutputGradient(outputGradient.pointer), x: x, rectified: statistics1.affine,
        xGradient: activated, accumulate: true, pass: pass)
      xGradient = workspace.nextCarriedGradient(x.shape)
    }
    bn1Backward(activated, x: x, into: xGradient, pass: pass, ready: ready)
    return xGradient
  }

  private func bn1Backward(
    _ activated: Tensor, x: Tensor, into xGradient: Tensor, pass: GradientPass,
    ready: GradientReady
  ) {
    let context = pass.context
    statistics1.clearSums(context)
    context.forEachImage(x.shape) { pixels, thread in
      bn1.addGradient(
        activated, x: x, mask: .affine(statistics1.affine), pixels: pixels, thread: thread,
        to: statistics1)
    }
    bn1.endGradient(statistics1, pass: pass)
    context.pool.forEachShare(of: x.shape.pixels) { pixels, thread in
      ChannelKernels.combine(
        statistics1.gradient(activated, x: x), into: xGradient.pointer, rows: pixels,
        channels: bn1.channels, accumulate: shortcut == nil)
      ready(xGradient, pixels, thread)
    }
  }
}

extension PreActBlock: LinearizedBlock {
  func tangent(_ t: Tensor, x: Tensor, pass: GradientPass) -> Tensor {
    let (context, a) = (pass.context, activations(batch: x.shape.batch))
    input = t
    let activated = tangents.norm1.scaled(t, context: context)
    activated.keep(where: .affine(statistics1.affine), of: x, context: context)
    let inner = tangents.conv1.forward(activated, pass: pass)
    inner.keep(where: .affine(statistics2.affine), of: a.conv1, context: context)
    let moved = tangents.conv2.forward(inner, pass: pass)
    moved.add(tangents.shortcut?.forward(activated, pass: pass) ?? t, context: context)
    return moved
  }

  func tangentBackward(_ gradient: Tensor, x: Tensor, pass: GradientPass) -> Tensor {
    let (context, a) = (pass.context, activations(batch: x.shape.batch))
    let inner = tangents.conv2.backward(gradient, pass: pass)
    inner.keep(where: .affine(statistics2.affine), of: a.conv1, context: context)
    let activated = tangents.conv1.backward(inner, pass: pass)
    if let shortcut = tangents.shortcut {
      activated.add(shortcut.backward(gradient, pass: pass), context: context)
    }
    activated.keep(where: .affine(statistics1.affine), of: x, context: context)
    if let input { tangents.norm1.addGradient(activated, input, pass: pass) }
    let result = tangents.norm1.scaled(activated, context: context)
    if tangents.shortcut == nil { result.add(gradient, context: context) }
    return result
  }
}
