import Distributed

/// relu(bn(x)), or bn(x) with another activation, as a block of its own: x [N, H, W, C] → y [N, H, W, C].
final class NormalizationBlock: Block {
  private let bn: BatchNorm2D
  private var statistics: BatchNorm2D.Statistics
  private let activation: Activation
  private var output: Tensor
  /// What an activation other than ReLU was given.
  private var sums: [Float] = []

  /// Registers `name` for maps of `input`'s height, width and channels.
  init(
    _ name: String, input: Shape, activation: Activation = .relu, plan: inout ParameterLayoutPlan
  ) {
    self.activation = activation
    bn = BatchNorm2D(name, channels: input.channels, plan: &plan)
    statistics = BatchNorm2D.Statistics(channels: input.channels)
    output = Tensor(input.withBatch(0))
  }

  func outputShape(batch: Int) -> Shape { output.shape.withBatch(batch) }

  func reserve(_ capacity: Int, mode: PassMode) {
    output = Tensor(outputShape(batch: capacity), reusing: output)
  }

  func forward(_ x: Tensor, pass: ForwardPass) -> Tensor {
    output = output.withBatch(x.shape.batch)
    statistics = bn.forward(
      x, into: output, relu: activation == .relu, mode: pass.mode, store: pass.store,
      context: pass.context)
    if activation == .relu { return output }
    sums = output.array
    for place in sums.indices { output.pointer[place] = activation(sums[place]) }
    return output
  }

  func backward(
    _ outputGradient: Tensor, input: BlockInput, workspace: GradientWorkspace, pass: GradientPass,
    ready: GradientReady
  ) -> Tensor {
    let context = pass.context
    for place in sums.indices { outputGradient.pointer[place] *= activation.slope(sums[place]) }
    let mask = activation == .relu ? ChannelKernels.Mask.output(output.pointer) : .none
    statistics.clearSums(context)
    context.forEachImage(input.x.shape) { [self] pixels, thread in
      bn.addGradient(
        outputGradient, x: input.x, mask: mask, pixels: pixels, thread: thread, to: statistics)
    }
    bn.endGradient(statistics, pass: pass)
    context.forEachImage(input.x.shape) { [self] pixels, thread in
      ChannelKernels.combine(
        statistics.gradient(outputGradient, x: input.x), into: outputGradient.pointer, rows: pixels,
        channels: bn.channels, accumulate: false)
      ready(outputGradient, pixels, thread)
    }
    return outputGradient
  }
}
