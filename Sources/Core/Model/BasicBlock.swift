import Distributed

/// ResNet's basic block: out = relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)).
///
/// The shortcut is x itself, or bn(conv1x1(x)) where the size changes (He et al. 2016, figure 5 left).
final class BasicBlock: ResidualBlock {
  private let conv1: Conv2D
  private let bn1: BatchNorm2D
  private let conv2: Conv2D
  private let bn2: BatchNorm2D
  private let shortcut: (conv: Conv2D, bn: BatchNorm2D)?

  /// What backward needs of forward, by name; all but `shortcut…` exist in every block.
  private struct Activations {
    var conv1: Tensor
    var relu1: Tensor
    var conv2: Tensor
    var output: Tensor
    var shortcutConv: Tensor?
    var shortcutOutput: Tensor?
    var statistics1 = BatchNorm2D.Statistics()
    var statistics2 = BatchNorm2D.Statistics()
    var shortcutStatistics = BatchNorm2D.Statistics()
  }
  private var activations: Activations?

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

  func reserve(_ capacity: Int) {
    let shape = outputShape(batch: capacity)
    activations = Activations(
      conv1: Tensor(shape), relu1: Tensor(shape), conv2: Tensor(shape), output: Tensor(shape),
      shortcutConv: shortcut.map { _ in Tensor(shape) },
      shortcutOutput: shortcut.map { _ in Tensor(shape) })
  }

  func forward(
    _ x: Tensor, mode: PassMode, store: ParameterStore, context: ComputeContext
  ) -> Tensor {
    guard var a = activations else { preconditionFailure("forward before reserve") }
    let batch = x.shape.batch
    let output = a.output.withBatch(batch)
    let (c1, r1) = (a.conv1.withBatch(batch), a.relu1.withBatch(batch))
    let c2 = a.conv2.withBatch(batch)
    conv1.forward(x, into: c1, store: store, context: context)
    a.statistics1 = bn1.forward(
      c1, into: r1, relu: true, mode: mode, store: store, context: context)
    conv2.forward(r1, into: c2, store: store, context: context)
    var residual = x
    if let shortcut, let s = a.shortcutConv?.withBatch(batch),
      let r = a.shortcutOutput?.withBatch(batch)
    {
      shortcut.conv.forward(x, into: s, store: store, context: context)
      a.shortcutStatistics = shortcut.bn.forward(
        s, into: r, relu: false, mode: mode, store: store, context: context)
      residual = r
    }
    a.statistics2 = bn2.forward(
      c2, into: output, residual: residual, relu: true, mode: mode, store: store, context: context)
    activations = a
    return output
  }

  func backward(
    _ outputGradient: Tensor, x: Tensor, workspace: GradientWorkspace, store: ParameterStore,
    context: ComputeContext
  ) -> Tensor {
    guard let a = activations else { preconditionFailure("backward before forward") }
    let batch = x.shape.batch
    let shape = outputShape(batch: batch)
    let (c1, r1) = (a.conv1.withBatch(batch), a.relu1.withBatch(batch))
    let c2 = a.conv2.withBatch(batch)
    let (first, second) = (workspace.first(shape), workspace.second(shape))
    bn2.backward(
      outputGradient, x: c2, reluOutput: a.output.withBatch(batch), statistics: a.statistics2,
      xGradient: first, store: store, context: context)
    var xGradient = outputGradient  // masked by bn2.backward: the identity shortcut's gradient
    if let shortcut, let s = a.shortcutConv?.withBatch(batch) {
      xGradient = workspace.nextCarriedGradient(x.shape)
      shortcut.bn.backward(
        outputGradient, x: s, reluOutput: nil, statistics: a.shortcutStatistics, xGradient: second,
        store: store, context: context)
      shortcut.conv.backward(second, x: x, xGradient: xGradient, store: store, context: context)
    }
    conv2.backward(first, x: r1, xGradient: second, store: store, context: context)
    bn1.backward(
      second, x: c1, reluOutput: r1, statistics: a.statistics1, xGradient: first, store: store,
      context: context)
    conv1.backward(
      first, x: x, xGradient: xGradient, accumulate: true, store: store, context: context)
    return xGradient
  }
}
