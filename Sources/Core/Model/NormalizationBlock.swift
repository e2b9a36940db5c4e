import Distributed

/// relu(bn(x)) as a block of its own: x [N, H, W, C] → y [N, H, W, C].
final class NormalizationBlock: Block {
  private let bn: BatchNorm2D
  private var statistics: BatchNorm2D.Statistics
  private var output: Tensor

  /// Registers `name` for maps of `input`'s height, width and channels.
  init(_ name: String, input: Shape, plan: inout ParameterLayoutPlan) {
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
      x, into: output, relu: true, mode: pass.mode, store: pass.store, context: pass.context)
    return output
  }

  func backward(
    _ outputGradient: Tensor, input: BlockInput, workspace: GradientWorkspace, pass: GradientPass,
    ready: GradientReady
  ) -> Tensor {
    let context = pass.context
    statistics.clearSums(threads: context.threads)
    context.forEachImage(input.x.shape) { [self] pixels, thread in
      bn.addGradient(
        outputGradient, x: input.x, mask: .output(output.pointer), pixels: pixels, thread: thread,
        to: statistics)
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
