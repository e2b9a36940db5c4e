/// ResNet's block: out = relu(bnₙ(convₙ(… relu(bn₁(conv₁(x))))) + shortcut(x)).
///
/// Two 3x3 convolutions make the basic block, 1x1, 3x3 and 1x1 the bottleneck. The shortcut is x
/// itself, or bn(conv1x1(x)) where the size changes (He et al. 2016, figure 5).
final class ResidualBlock: Block {
  /// A convolution with its BatchNorm.
  fileprivate struct Unit {
    let conv: Conv2D
    let bn: BatchNorm2D
    let statistics: BatchNorm2D.Statistics
    /// The convolution's output; of the last unit empty where nothing but evaluation was asked for.
    ///
    /// relu(bn(conv)) is not kept: whoever reads it computes it from this. Passes that no gradient of
    /// a parameter follows leave that here instead, of the last unit nothing.
    var output: Tensor
    let tangent: TangentConvolution

    init(_ conv: Conv2D, bn: BatchNorm2D) {
      (self.conv, self.bn) = (conv, bn)
      let shape = conv.outputShape(batch: 0)
      statistics = BatchNorm2D.Statistics(channels: shape.channels)
      output = Tensor(shape)
      tangent = TangentConvolution(conv, TangentNormalization(bn, statistics))
    }

    mutating func reserve(_ capacity: Int) {
      output = Tensor(conv.outputShape(batch: capacity), reusing: output)
    }

    mutating func setBatch(_ batch: Int) { output = output.withBatch(batch) }
  }

  fileprivate var units: [Unit]
  fileprivate var shortcut: Unit?
  fileprivate var output: Tensor
  /// Whether the last forward left the convolutions' outputs in the units.
  private var keepsNormalized = true

  /// Registers the block `name` in PyTorch's order: conv1, bn1, conv2, bn2, …, then `shortcut`.0
  /// and .1.
  ///
  /// `kernels` are the convolutions' sides and `planes` their outputs; `stride` is the first 3x3
  /// one's.
  init(
    _ name: String, input: Shape, kernels: [Int], planes: [Int], stride: Int,
    shortcut shortcutName: String, plan: inout ParameterLayoutPlan
  ) {
    var shape = input
    units = []
    for (index, (kernel, channels)) in zip(kernels, planes).enumerated() {
      let conv = Conv2D(
        "\(name).conv\(index + 1)", input: shape, outputChannels: channels, kernel: kernel,
        stride: index == kernels.firstIndex(of: 3) ? stride : 1, plan: &plan)
      let bn = BatchNorm2D("\(name).bn\(index + 1)", channels: channels, plan: &plan)
      units.append(Unit(conv, bn: bn))
      shape = conv.outputShape(batch: 0)
    }
    output = Tensor(shape)
    guard stride != 1 || input.channels != shape.channels else { return }
    let conv = Conv2D(
      "\(name).\(shortcutName).0", input: input, outputChannels: shape.channels, kernel: 1,
      stride: stride, plan: &plan)
    shortcut = Unit(
      conv, bn: BatchNorm2D("\(name).\(shortcutName).1", channels: shape.channels, plan: &plan))
  }

  func outputShape(batch: Int) -> Shape { output.shape.withBatch(batch) }

  func reserve(_ capacity: Int, mode: PassMode) {
    for index in units.indices.dropLast() { units[index].reserve(capacity) }
    let last = units.count - 1
    let kept = mode.keepsActivations ? capacity : 0
    units[last].output = Tensor(outputShape(batch: kept))
    shortcut?.reserve(capacity)
    output = Tensor(outputShape(batch: capacity), reusing: output)
  }

  func forward(_ x: Tensor, pass: ForwardPass) -> Tensor {
    let batch = x.shape.batch
    for index in units.indices.dropLast(pass.mode.keepsActivations ? 0 : 1) {
      units[index].setBatch(batch)
    }
    shortcut?.setBatch(batch)
    output = output.withBatch(batch)
    keepsNormalized = pass.mode.keepsNormalized
    if keepsNormalized { forwardKeeping(x, pass) } else { forwardFinishing(x, pass) }
    return output
  }

  private func forwardKeeping(_ x: Tensor, _ pass: ForwardPass) {
    var (input, rectified) = (x, ChannelAffine?.none)
    for unit in units {
      forward(unit, input, rectified: rectified, pass)
      (input, rectified) = (unit.output, unit.statistics.affine)
    }
    if let shortcut { forward(shortcut, x, rectified: nil, pass) }
    guard let last = units.last else { return }
    let (residual, statistics) = (shortcut?.output ?? x, shortcut?.statistics)
    pass.context.pool.forEachShare(of: output.shape.pixels) { [self] share, _ in
      last.bn.normalize(
        last.output, into: output, residual: residual, residualStatistics: statistics, relu: true,
        statistics: last.statistics, pixels: share)
    }
  }

  private func forward(
    _ unit: Unit, _ x: Tensor, rectified: ChannelAffine?, _ pass: ForwardPass
  ) {
    let (store, context) = (pass.store, pass.context)
    unit.bn.begin(unit.statistics, mode: pass.mode, store: store, context: context)
    unit.conv.forward(
      x, rectified: rectified, into: unit.output, store: store, context: context
    ) { unit.bn.add(unit.output, pixels: $0, thread: $1, to: unit.statistics) }
    unit.bn.end(unit.statistics, pixels: unit.output.shape.pixels, store: store, context: context)
  }

  /// Each BatchNorm, residual sum and ReLU is applied as a convolution writes its output.
  private func forwardFinishing(_ x: Tensor, _ pass: ForwardPass) {
    let (store, context) = (pass.store, pass.context)
    if let shortcut {
      shortcut.conv.forward(
        x, into: shortcut.output,
        finish: shortcut.bn.finish(shortcut.statistics, relu: false, store: store), store: store,
        context: context)
    }
    var input = x
    for (index, unit) in units.enumerated() {
      let isLast = index == units.count - 1
      let target = isLast ? output : unit.output
      let residual = isLast ? shortcut?.output ?? x : nil
      unit.conv.forward(
        input, into: target,
        finish: unit.bn.finish(unit.statistics, residual: residual, relu: true, store: store),
        store: store, context: context)
      input = target
    }
  }

  func beginBackward(context: ComputeContext) {
    units.last?.statistics.clearSums(context)
    shortcut?.statistics.clearSums(context)
  }

  func receive(_ outputGradient: Tensor, pixels: Range<Int>, thread: Int) {
    guard let last = units.last else { return }
    guard keepsNormalized else {
      return outputGradient.keep(wherePositive: output, pixels: pixels)
    }
    last.bn.addGradient(
      outputGradient, x: last.output, mask: .output(output.pointer), pixels: pixels,
      thread: thread, to: last.statistics)
    if let shortcut {
      shortcut.bn.addGradient(
        outputGradient, x: shortcut.output, mask: .none, pixels: pixels, thread: thread,
        to: shortcut.statistics)
    }
  }

  func backward(
    _ outputGradient: Tensor, input: BlockInput, workspace: GradientWorkspace, pass: GradientPass,
    ready: GradientReady
  ) -> Tensor {
    let first = backwardInside(outputGradient, workspace, pass)
    var xGradient = outputGradient  // masked by the ReLU: the identity shortcut's gradient
    if let shortcut {
      shortcut.bn.endGradient(shortcut.statistics, pass: pass)
      xGradient = workspace.nextCarriedGradient(input.x.shape)
      shortcut.conv.backward(
        shortcut.statistics.gradient(outputGradient, x: shortcut.output), x: input.x,
        xGradient: xGradient, pass: pass)
    }
    units[0].conv.backward(
      units[0].statistics.gradient(first, x: units[0].output), x: input.x, xGradient: xGradient,
      accumulate: true, pass: pass
    ) { ready(xGradient, $0, $1) }
    return xGradient
  }

  /// The gradient of the first BatchNorm's output, from the last unit down; all BatchNorms are done
  /// then.
  private func backwardInside(
    _ outputGradient: Tensor, _ workspace: GradientWorkspace, _ pass: GradientPass
  ) -> Tensor {
    var gradient = outputGradient
    units[units.count - 1].bn.endGradient(units[units.count - 1].statistics, pass: pass)
    for index in units.indices.dropFirst().reversed() {
      let (unit, below) = (units[index], units[index - 1])
      let inner = workspace.inner(below.output.shape, index: index % 2)
      below.statistics.clearSums(pass.context)
      unit.conv.backward(
        unit.statistics.gradient(gradient, x: unit.output), x: below.output,
        rectified: below.statistics.affine, xGradient: inner, pass: pass
      ) { [keepsNormalized] in
        guard keepsNormalized else {
          return inner.keep(wherePositive: below.output, pixels: $0)
        }
        below.bn.addGradient(
          inner, x: below.output, mask: .affine(below.statistics.affine), pixels: $0, thread: $1,
          to: below.statistics)
      }
      below.bn.endGradient(below.statistics, pass: pass)
      gradient = inner
    }
    return gradient
  }
}

extension ResidualBlock: LinearizedBlock {
  func tangent(_ t: Tensor, x: Tensor, pass: GradientPass) -> Tensor {
    let context = pass.context
    var moved = t
    for (index, unit) in units.enumerated() {
      moved = unit.tangent.forward(moved, pass: pass)
      if index < units.count - 1 {
        moved.keep(where: .affine(unit.statistics.affine), of: unit.output, context: context)
      }
    }
    moved.add(shortcut?.tangent.forward(t, pass: pass) ?? t, context: context)
    moved.keep(wherePositive: output, context: context)
    return moved
  }

  func tangentBackward(_ gradient: Tensor, x: Tensor, pass: GradientPass) -> Tensor {
    let context = pass.context
    let masked = gradient.copied
    masked.keep(wherePositive: output, context: context)
    var inner = masked
    for index in units.indices.reversed() {
      inner = units[index].tangent.backward(inner, pass: pass)
      guard index > 0 else { break }
      let below = units[index - 1]
      inner.keep(where: .affine(below.statistics.affine), of: below.output, context: context)
    }
    inner.add(shortcut?.tangent.backward(masked, pass: pass) ?? masked, context: context)
    return inner
  }
}
