import Distributed

/// The pre-activation block: a = relu(bn1(x)); out = conv2(relu(bn2(conv1(a)))) + shortcut.
///
/// The shortcut is x itself, or conv1x1(a) without BatchNorm where the size changes
/// (He et al. 2016, "Identity mappings in deep residual networks").
final class PreActBlock: ResidualBlock {
  private let bn1: BatchNorm2D
  private let conv1: Conv2D
  private let bn2: BatchNorm2D
  private let conv2: Conv2D
  private let shortcut: Conv2D?

  /// What backward needs of forward, by name.
  private struct Activations {
    var relu1: Tensor
    var conv1: Tensor
    var relu2: Tensor
    var output: Tensor
    var statistics1 = BatchNorm2D.Statistics()
    var statistics2 = BatchNorm2D.Statistics()
  }
  private var activations: Activations?
  private let input: Shape

  /// Registers the block `name` in PyTorch's order: bn1, conv1, bn2, conv2, shortcut.
  init(
    _ name: String, input: Shape, outputChannels: Int, stride: Int, plan: inout ParameterLayoutPlan
  ) {
    self.input = input
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

  func reserve(_ capacity: Int) {
    var inputShape = input
    inputShape.batch = capacity
    let shape = outputShape(batch: capacity)
    activations = Activations(
      relu1: Tensor(inputShape), conv1: Tensor(shape), relu2: Tensor(shape), output: Tensor(shape))
  }

  func forward(
    _ x: Tensor, mode: PassMode, store: ParameterStore, context: ComputeContext
  ) -> Tensor {
    guard var a = activations else { preconditionFailure("forward before reserve") }
    let batch = x.shape.batch
    let (r1, c1) = (a.relu1.withBatch(batch), a.conv1.withBatch(batch))
    let (r2, output) = (a.relu2.withBatch(batch), a.output.withBatch(batch))
    a.statistics1 = bn1.forward(x, into: r1, relu: true, mode: mode, store: store, context: context)
    conv1.forward(r1, into: c1, store: store, context: context)
    a.statistics2 = bn2.forward(
      c1, into: r2, relu: true, mode: mode, store: store, context: context)
    if let shortcut {
      shortcut.forward(r1, into: output, store: store, context: context)
    } else {
      output.pointer.update(from: x.pointer, count: x.shape.count)
    }
    conv2.forward(r2, into: output, accumulate: true, store: store, context: context)
    activations = a
    return output
  }

  func backward(
    _ outputGradient: Tensor, x: Tensor, workspace: GradientWorkspace, store: ParameterStore,
    context: ComputeContext
  ) -> Tensor {
    guard let a = activations else { preconditionFailure("backward before forward") }
    let batch = x.shape.batch
    let (r1, c1) = (a.relu1.withBatch(batch), a.conv1.withBatch(batch))
    let r2 = a.relu2.withBatch(batch)
    let (first, second) = (workspace.first(c1.shape), workspace.second(c1.shape))
    conv2.backward(outputGradient, x: r2, xGradient: second, store: store, context: context)
    bn2.backward(
      second, x: c1, reluOutput: r2, statistics: a.statistics2, xGradient: first, store: store,
      context: context)
    let activatedGradient = workspace.second(x.shape)
    conv1.backward(first, x: r1, xGradient: activatedGradient, store: store, context: context)
    var xGradient = outputGradient  // the identity shortcut's gradient, to which bn1 adds
    if let shortcut {
      shortcut.backward(
        outputGradient, x: r1, xGradient: activatedGradient, accumulate: true, store: store,
        context: context)
      xGradient = workspace.nextCarriedGradient(x.shape)
    }
    bn1.backward(
      activatedGradient, x: x, reluOutput: r1, statistics: a.statistics1, xGradient: xGradient,
      accumulate: shortcut == nil, store: store, context: context)
    return xGradient
  }
}
