import Distributed

/// ResNet's basic block: out = relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)).
///
/// The shortcut is x itself, or bn(conv1x1(x)) where the size changes (He et al. 2016, figure 5
/// left).
final class BasicBlock: ResidualBlock {
  private let conv1: Conv2D
  private let bn1: BatchNorm2D
  private let conv2: Conv2D
  private let bn2: BatchNorm2D
  private let shortcut: (conv: Conv2D, bn: BatchNorm2D)?

  /// What backward needs of forward, by name; the shortcut's exist where it has a convolution.
  ///
  /// relu(bn1(conv1)) is not among them: whoever reads it computes it from `conv1`.
  private struct Activations {
    var conv1: Tensor
    /// Empty where nothing but evaluation was asked for.
    var conv2: Tensor
    var output: Tensor
    var shortcutConv: Tensor?
  }
  private var activations: Activations?
  private let statistics1: BatchNorm2D.Statistics
  private let statistics2: BatchNorm2D.Statistics
  private let shortcutStatistics: BatchNorm2D.Statistics

  /// Registers the block `name` in PyTorch's order: conv1, bn1, conv2, bn2, shortcut.
  init(
    _ name: String, input: Shape, outputChannels: Int, stride: Int, plan: inout ParameterLayoutPlan
  ) {
    conv1 = Conv2D(
      "\(name).conv1", input: input, outputChannels: outputChannels, stride: stride, plan: &plan)
    bn1 = BatchNorm2D("\(name).bn1", channels: outputChannels, plan: &plan)
    conv2 = Conv2D(
      "\(name).conv2", input: conv1.outputShape(batch: 0), outputChannels: outputChannels,
      plan: &plan)
    bn2 = BatchNorm2D("\(name).bn2", channels: outputChannels, plan: &plan)
    statistics1 = BatchNorm2D.Statistics(channels: outputChannels)
    statistics2 = BatchNorm2D.Statistics(channels: outputChannels)
    shortcutStatistics = BatchNorm2D.Statistics(channels: outputChannels)
    guard stride != 1 || input.channels != outputChannels else {
      shortcut = nil
      return
    }
    let conv = Conv2D(
      "\(name).shortcut.0", input: input, outputChannels: outputChannels, kernel: 1,
      stride: stride, plan: &plan)
    shortcut = (conv, BatchNorm2D("\(name).shortcut.1", channels: outputChannels, plan: &plan))
  }

  func outputShape(batch: Int) -> Shape { conv2.outputShape(batch: batch) }

  func reserve(_ capacity: Int, mode: PassMode) {
    let shape = outputShape(batch: capacity)
    activations = Activations(
      conv1: Tensor(shape, reusing: activations?.conv1),
      conv2: Tensor(outputShape(batch: mode.keepsActivations ? capacity : 0)),
      output: Tensor(shape, reusing: activations?.output),
      shortcutConv: shortcut.map { _ in Tensor(shape, reusing: activations?.shortcutConv) })
  }

  private func activations(batch: Int) -> Activations {
    guard let a = activations else { preconditionFailure("a block is used before reserve") }
    return Activations(
      conv1: a.conv1.withBatch(batch),
      conv2: a.conv2.shape.batch == 0 ? a.conv2 : a.conv2.withBatch(batch),
      output: a.output.withBatch(batch), shortcutConv: a.shortcutConv?.withBatch(batch))
  }

  func forward(
    _ x: Tensor, mode: PassMode, store: ParameterStore, context: ComputeContext
  ) -> Tensor {
    let a = activations(batch: x.shape.batch)
    if mode.keepsActivations {
      forwardKeeping(x, a, mode: mode, store: store, context: context)
    } else {
      forwardEvaluating(x, a, store: store, context: context)
    }
    return a.output
  }

  private func forwardKeeping(
    _ x: Tensor, _ a: Activations, mode: PassMode, store: ParameterStore, context: ComputeContext
  ) {
    let pixels = a.output.shape.pixels
    bn1.begin(statistics1, mode: mode, store: store, context: context)
    conv1.forward(x, into: a.conv1, store: store, context: context) { [self] in
      bn1.add(a.conv1, pixels: $0, thread: $1, to: statistics1)
    }
    bn1.end(statistics1, pixels: pixels, store: store, context: context)
    bn2.begin(statistics2, mode: mode, store: store, context: context)
    conv2.forward(
      a.conv1, rectified: statistics1.affine, into: a.conv2, store: store, context: context
    ) { [self] in bn2.add(a.conv2, pixels: $0, thread: $1, to: statistics2) }
    bn2.end(statistics2, pixels: pixels, store: store, context: context)
    if let shortcut, let output = a.shortcutConv {
      shortcut.bn.begin(shortcutStatistics, mode: mode, store: store, context: context)
      shortcut.conv.forward(x, into: output, store: store, context: context) { [self] in
        shortcut.bn.add(output, pixels: $0, thread: $1, to: shortcutStatistics)
      }
      shortcut.bn.end(shortcutStatistics, pixels: pixels, store: store, context: context)
    }
    context.pool.forEachShare(of: pixels) { share, _ in
      bn2.normalize(
        a.conv2, into: a.output, residual: a.shortcutConv ?? x,
        residualStatistics: shortcut.map { _ in shortcutStatistics }, relu: true,
        statistics: statistics2, pixels: share)
    }
  }

  /// Each BatchNorm, residual sum and ReLU is applied as a convolution writes its output.
  private func forwardEvaluating(
    _ x: Tensor, _ a: Activations, store: ParameterStore, context: ComputeContext
  ) {
    if let shortcut, let output = a.shortcutConv {
      shortcut.conv.forward(
        x, into: output,
        finish: shortcut.bn.finish(shortcutStatistics, relu: false, store: store), store: store,
        context: context)
    }
    conv1.forward(
      x, into: a.conv1, finish: bn1.finish(statistics1, relu: true, store: store), store: store,
      context: context)
    conv2.forward(
      a.conv1, into: a.output,
      finish: bn2.finish(statistics2, residual: a.shortcutConv ?? x, relu: true, store: store),
      store: store, context: context)
  }

  func beginBackward(context: ComputeContext) {
    statistics2.clearSums(threads: context.threads)
    shortcutStatistics.clearSums(threads: context.threads)
  }

  func receive(_ outputGradient: Tensor, pixels: Range<Int>, thread: Int) {
    let a = activations(batch: outputGradient.shape.batch)
    bn2.addGradient(
      outputGradient, x: a.conv2, mask: .output(a.output.pointer), pixels: pixels, thread: thread,
      to: statistics2)
    if let shortcut, let output = a.shortcutConv {
      shortcut.bn.addGradient(
        outputGradient, x: output, mask: .none, pixels: pixels, thread: thread,
        to: shortcutStatistics)
    }
  }

  func backward(
    _ outputGradient: Tensor, x: Tensor, workspace: GradientWorkspace, store: ParameterStore,
    context: ComputeContext, ready: GradientReady
  ) -> Tensor {
    let a = activations(batch: x.shape.batch)
    let inner = workspace.inner(a.output.shape)
    bn2.endGradient(statistics2, store: store, context: context)
    statistics1.clearSums(threads: context.threads)
    conv2.backward(
      statistics2.gradient(outputGradient, x: a.conv2), x: a.conv1,
      rectified: statistics1.affine, xGradient: inner, store: store, context: context
    ) { [self] in
      bn1.addGradient(
        inner, x: a.conv1, mask: .affine(statistics1.affine), pixels: $0, thread: $1,
        to: statistics1)
    }
    bn1.endGradient(statistics1, store: store, context: context)
    var xGradient = outputGradient  // masked by the ReLU: the identity shortcut's gradient
    if let shortcut, let output = a.shortcutConv {
      shortcut.bn.endGradient(shortcutStatistics, store: store, context: context)
      xGradient = workspace.nextCarriedGradient(x.shape)
      shortcut.conv.backward(
        shortcutStatistics.gradient(outputGradient, x: output), x: x, xGradient: xGradient,
        store: store, context: context)
    }
    conv1.backward(
      statistics1.gradient(inner, x: a.conv1), x: x, xGradient: xGradient, accumulate: true,
      store: store, context: context
    ) { ready(xGradient, $0, $1) }
    return xGradient
  }
}
