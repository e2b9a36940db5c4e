/// A square 2-D convolution without bias (PyTorch `Conv2d(bias=False)`).
///
/// Shapes: x [N, H, W, I] → y [N, OH, OW, O] with OH = (H + 2 padding - kernel) / stride + 1;
/// weight OIHW in PyTorch, kept as HWIO.
public struct Conv2D: Sendable {
  /// The weight's place in the parameters.
  public let weight: ParameterSlot
  let geometry: ConvolutionGeometry
  private let float32Algorithm, int16Algorithm: ConvolutionAlgorithm

  /// Registers `name.weight` for inputs of `input`'s height, width and channels.
  public init(
    _ name: String, input: Shape, outputChannels: Int, kernel: Int = 3, stride: Int = 1,
    padding: Int? = nil, plan: inout ParameterLayoutPlan
  ) {
    weight = plan.parameter(
      "\(name).weight", shape: [outputChannels, input.channels, kernel, kernel],
      role: .kernel, layout: .convolutionHWIO)
    geometry = ConvolutionGeometry(
      inputHeight: input.height, inputWidth: input.width, inputChannels: input.channels,
      outputChannels: outputChannels, kernel: kernel, stride: stride,
      padding: padding ?? kernel / 2)
    float32Algorithm = ConvolutionAlgorithm(geometry)
    int16Algorithm = ConvolutionAlgorithm(geometry, for: .int16(.best))
  }

  /// The shape of the output for `batch` images.
  public func outputShape(batch: Int) -> Shape {
    Shape(
      batch: batch, height: geometry.outputHeight, width: geometry.outputWidth,
      channels: geometry.outputChannels)
  }

  /// y = x * weight, added to y's old values where `accumulate` holds.
  public func forward(
    _ x: Tensor, into y: Tensor, accumulate: Bool = false, store: ParameterStore,
    context: ComputeContext
  ) {
    forward(x, into: y, accumulate: accumulate, store: store, context: context, ready: { _, _ in })
  }

  /// The same of max(0, scale x + shift) where `rectified` is given, or what `finish` makes of it;
  /// `ready` is told of y's final pixels.
  func forward(
    _ x: Tensor, rectified: ChannelAffine? = nil, into y: Tensor, accumulate: Bool = false,
    finish: ConvolutionFinish? = nil, store: ParameterStore, context: ComputeContext,
    ready: PixelsReady = { _, _ in }
  ) {
    check(x, y)
    let input = ConvolutionInput(x.pointer, rectified: rectified)
    switch algorithm(in: context) {
    case .winograd(let convolution):
      convolution.forward(
        input: input, weights: store.value(weight), output: y.pointer, batch: x.shape.batch,
        accumulate: accumulate, finish: finish, context: context, ready: ready)
    case .im2col(let convolution):
      convolution.forward(
        input: input, weights: store.value(weight), output: y.pointer, batch: x.shape.batch,
        accumulate: accumulate, finish: finish, context: context, ready: ready)
    }
  }

  /// Adds the weight's gradient to the store and yields the input's gradient.
  ///
  /// The latter is written into `xGradient`, or added there where `accumulate` holds; without
  /// `xGradient` only the weight's gradient is computed.
  public func backward(
    _ yGradient: Tensor, x: Tensor, xGradient: Tensor?, accumulate: Bool = false,
    store: ParameterStore, context: ComputeContext
  ) {
    check(x, yGradient)
    backward(
      ConvolutionOutputGradient(yGradient.pointer), x: x, xGradient: xGradient,
      accumulate: accumulate, pass: GradientPass(store: store, context: context))
  }

  /// The same for an output gradient that BatchNorm's backward is still to be applied to, and for
  /// the input max(0, scale x + shift) where `rectified` is given; `ready` is told of xGradient's
  /// final pixels.
  func backward(
    _ gradient: ConvolutionOutputGradient, x: Tensor, rectified: ChannelAffine? = nil,
    xGradient: Tensor?, accumulate: Bool = false, pass: GradientPass,
    ready: PixelsReady = { _, _ in }
  ) {
    let (store, context) = (pass.store, pass.context)
    if let xGradient {
      precondition(xGradient.shape == x.shape, "gradient \(xGradient.shape) of input \(x.shape)")
    }
    var parts = ConvolutionBackward(
      x: x, rectified: rectified, gradient: gradient, xGradient: xGradient,
      accumulates: accumulate, weights: store.value(weight), algorithm: algorithm(in: context),
      outputCount: outputShape(batch: 1).count)
    guard pass.hasParameters else {
      if xGradient == nil { return }
      return parts.run(0..<x.shape.batch, into: nil, context: context, ready: ready)
    }
    defer { pass.finish(weight) }
    guard let shards = pass.hooks.imageShards else {
      return parts.run(
        0..<x.shape.batch, into: store.gradient(weight), context: context, ready: ready)
    }
    // See Note [Sums that do not depend on the world].
    parts.packWeights(context: context)
    let partials = context.scratch.perThread(weight.count)
    context.forEachShard(shards) { images, single, thread in
      partials[thread].update(repeating: 0, count: weight.count)
      parts.run(images, into: partials[thread], context: single) { pixels, _ in
        ready(pixels, thread)
      }
    } roundEnded: { count in
      store.addWideGradient(Array(partials[..<count]), of: weight, pool: context.pool)
    }
  }

  private func algorithm(in context: ComputeContext) -> ConvolutionAlgorithm {
    if context.convolution == .im2col { return .im2col(Im2ColConvolution(geometry: geometry)) }
    return context.precision == .float32 ? float32Algorithm : int16Algorithm
  }

  private func check(_ x: Tensor, _ y: Tensor) {
    precondition(
      x.shape.height == geometry.inputHeight && x.shape.width == geometry.inputWidth
        && x.shape.channels == geometry.inputChannels, "\(weight.name) given \(x.shape)")
    precondition(
      y.shape == outputShape(batch: x.shape.batch), "\(weight.name) output is \(y.shape)")
  }
}

/// One convolution's backward, which may be asked for some of the batch's images at a time.
private struct ConvolutionBackward {
  let x: Tensor
  let rectified: ChannelAffine?
  let gradient: ConvolutionOutputGradient
  let xGradient: Tensor?
  let accumulates: Bool
  let weights: UnsafeMutablePointer<Float>
  let algorithm: ConvolutionAlgorithm
  /// Floats of one image's output.
  let outputCount: Int
  /// The weights as the input's gradient needs them, where they are packed for several passes.
  var packed: UnsafeMutablePointer<Float>?

  /// Packs the weights once, for passes over parts of the batch.
  mutating func packWeights(context: ComputeContext) {
    if case .winograd(let convolution) = algorithm, xGradient != nil {
      packed = convolution.packForInputGradient(weights, context: context)
    }
  }

  /// Adds what `images` contribute to `weightGradient`, unless that is nil, and yields their part of
  /// the input's gradient.
  func run(
    _ images: Range<Int>, into weightGradient: UnsafeMutablePointer<Float>?,
    context: ComputeContext, ready: PixelsReady
  ) {
    let input = ConvolutionInput(x.pointer(image: images.lowerBound), rectified: rectified)
    let target = xGradient.map {
      ConvolutionInputGradient($0.pointer(image: images.lowerBound), accumulate: accumulates)
    }
    var gradient = gradient
    gradient.values += images.lowerBound * outputCount
    gradient.normalization?.x += images.lowerBound * outputCount
    let first = images.lowerBound * x.shape.height * x.shape.width
    let shifted: PixelsReady = { pixels, thread in
      ready(first + pixels.lowerBound..<first + pixels.upperBound, thread)
    }
    switch algorithm {
    case .winograd(let convolution):
      convolution.backward(
        input: input, outputGradient: gradient, weights: weights, packed: packed,
        weightGradient: weightGradient, inputGradient: target, batch: images.count,
        context: context, ready: shifted)
    case .im2col(let convolution):
      convolution.backward(
        input: input, outputGradient: gradient, weights: weights, weightGradient: weightGradient,
        inputGradient: target, batch: images.count, context: context, ready: shifted)
    }
  }
}
