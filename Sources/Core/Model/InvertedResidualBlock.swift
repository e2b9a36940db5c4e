import Distributed

/// MobileNetV3's block: 1x1 to more planes, depthwise, squeeze-excitation, 1x1 to fewer; plus x where
/// the size stays (Howard and others, 2019).
final class InvertedResidualBlock: Block {
  /// How it is built.
  struct Plan {
    /// The planes of the depthwise convolution; nil leaves the 1x1 one before it out.
    var expanded: Int?
    /// Side and stride of the depthwise kernel.
    var kernel, stride: Int
    /// The hidden planes of the squeeze-excitation; nil is none.
    var squeezed: Int?
    var outputs: Int
    var activation: Activation
  }

  private let expand: ActivatedConvolution?
  private let depthwise: ActivatedConvolution
  private let excitation: SqueezeExcitation?
  private let project: ActivatedConvolution
  private let addsInput: Bool
  private var excited, output: Tensor

  /// Registers the block `name` in PyTorch's order.
  init(_ name: String, input: Shape, _ form: Plan, plan: inout ParameterLayoutPlan) {
    var (shape, index) = (input, 0)
    func unit(_ kernel: ActivatedConvolution.Kernel, _ activation: Activation)
      -> ActivatedConvolution
    {
      let unit = ActivatedConvolution(kernel, norm: "\(name).\(index).1", activation, plan: &plan)
      shape = unit.output.shape
      index += 1
      return unit
    }
    func pointwise(_ planes: Int) -> ActivatedConvolution.Kernel {
      .full(
        Conv2D("\(name).\(index).0", input: shape, outputChannels: planes, kernel: 1, plan: &plan))
    }
    expand = form.expanded.map { unit(pointwise($0), form.activation) }
    depthwise = unit(
      .depthwise(
        DepthwiseConvolution(
          "\(name).\(index).0", input: shape, kernel: form.kernel, stride: form.stride,
          plan: &plan)), form.activation)
    excited = Tensor(shape)
    if let squeezed = form.squeezed {
      excitation = SqueezeExcitation(
        "\(name).\(index)", channels: shape.channels, planes: squeezed, plan: &plan)
      index += 1
    } else {
      excitation = nil
    }
    project = unit(pointwise(form.outputs), .none)
    addsInput = form.stride == 1 && form.outputs == input.channels
    output = Tensor(shape)
  }

  func outputShape(batch: Int) -> Shape { output.shape.withBatch(batch) }

  func reserve(_ capacity: Int, mode: PassMode) {
    for unit in [expand, depthwise, project] { unit?.reserve(capacity) }
    if excitation != nil {
      excited = Tensor(excited.shape.withBatch(capacity), reusing: excited)
    }
    if addsInput { output = Tensor(outputShape(batch: capacity), reusing: output) }
  }

  func forward(_ x: Tensor, pass: ForwardPass) -> Tensor {
    var y = depthwise.forward(expand?.forward(x, pass: pass) ?? x, pass: pass)
    if let excitation {
      excited = excited.withBatch(x.shape.batch)
      excitation.forward(y, into: excited, pass: pass)
      y = excited
    }
    let projected = project.forward(y, pass: pass)
    guard addsInput else { return projected }
    output = output.withBatch(x.shape.batch)
    pass.context.pool.forEachShare(of: output.shape.count) { share, _ in
      for place in share {
        output.pointer[place] = projected.pointer[place] + x.pointer[place]
      }
    }
    return output
  }

  func backward(
    _ outputGradient: Tensor, input: BlockInput, workspace: GradientWorkspace, pass: GradientPass,
    ready: GradientReady
  ) -> Tensor {
    let wide = depthwise.output
    let inner = workspace.inner(wide.shape)
    // The sum's gradient is x's too, and the projection overwrites its own.
    let kept = addsInput ? outputGradient.array : []
    project.backward(
      outputGradient, x: excitation == nil ? wide : excited, xGradient: inner, pass: pass)
    excitation?.backward(inner, x: wide, pass: pass)
    let gradient = workspace.nextCarriedGradient(input.x.shape)
    if let expand {
      let expanded = workspace.inner(expand.output.shape, index: 1)
      depthwise.backward(inner, x: expand.output, xGradient: expanded, pass: pass)
      expand.backward(expanded, x: input.x, xGradient: gradient, pass: pass)
    } else {
      depthwise.backward(inner, x: input.x, xGradient: gradient, pass: pass)
    }
    for place in kept.indices { gradient.pointer[place] += kept[place] }
    pass.context.forEachImage(gradient.shape) { ready(gradient, $0, $1) }
    return gradient
  }
}
