import Distributed

/// A transposed 4x4 convolution of stride 2 (PyTorch `ConvTranspose2d(kernel_size=4, stride=2,
/// padding=1)`), then BatchNorm and ReLU, or its bias alone: x [N, H, W, I] → y [N, 2H, 2W, O].
///
/// It is the backward of the convolution that leads from y's shape to x's, and its backward is that
/// convolution's forward. Weight [I, O, 4, 4] in PyTorch: that convolution's own.
final class TransposedConvolutionBlock: Block {
  private let weight: ParameterSlot
  private let convolution: Im2ColConvolution
  private let bn: BatchNorm2D?
  private let bias: BiasLayer?
  private let statistics: BatchNorm2D.Statistics
  private let outputSize: Shape
  private var product, output, gradient: Tensor

  /// Registers the module `name` for inputs of `input`, and BatchNorm under `norm`, if that is given.
  init(
    _ name: String, norm: String?, input: Shape, outputChannels: Int,
    plan: inout ParameterLayoutPlan
  ) {
    weight = plan.parameter(
      "\(name).weight", shape: [input.channels, outputChannels, 4, 4], role: .kernel,
      layout: .convolutionHWIO)
    let slot = plan.parameter(
      "\(name).bias", shape: [outputChannels], role: .bias(fanIn: weight.fanIn))
    bn = norm.map {
      BatchNorm2D($0, channels: outputChannels, inputBias: slot, plan: &plan)
    }
    bias = norm == nil ? BiasLayer(slot) : nil
    convolution = Im2ColConvolution(
      geometry: ConvolutionGeometry(
        inputHeight: 2 * input.height, inputWidth: 2 * input.width, inputChannels: outputChannels,
        outputChannels: input.channels, kernel: 4, stride: 2, padding: 1))
    statistics = BatchNorm2D.Statistics(channels: outputChannels)
    outputSize = Shape(
      batch: 0, height: 2 * input.height, width: 2 * input.width, channels: outputChannels)
    (product, output, gradient) = (Tensor(outputSize), Tensor(outputSize), Tensor(outputSize))
  }

  func outputShape(batch: Int) -> Shape { outputSize.withBatch(batch) }

  func reserve(_ capacity: Int, mode: PassMode) {
    let shape = outputShape(batch: capacity)
    output = Tensor(shape, reusing: output)
    product = Tensor(shape, reusing: product)
    if mode.keepsActivations { gradient = Tensor(shape, reusing: gradient) }
  }

  func forward(_ x: Tensor, pass: ForwardPass) -> Tensor {
    let (store, context) = (pass.store, pass.context)
    output = output.withBatch(x.shape.batch)
    product = product.withBatch(x.shape.batch)
    let pixels = output.shape.pixels
    if x.shape.batch > 0 {
      convolution.backward(
        input: ConvolutionInput(product.pointer),
        outputGradient: ConvolutionOutputGradient(x.pointer), weights: store.value(weight),
        weightGradient: nil,
        inputGradient: ConvolutionInputGradient(product.pointer, accumulate: false),
        batch: x.shape.batch, context: context)
    }
    if let bn {
      bn.begin(statistics, mode: pass.mode, store: store, context: context)
      if pass.mode == .training {
        context.forEachImage(product.shape) { [self] in
          bn.add(product, pixels: $0, thread: $1, to: statistics)
        }
      }
      bn.end(statistics, pixels: pixels, store: store, context: context)
    }
    context.pool.forEachShare(of: pixels) { [self] share, _ in
      if let bn {
        bn.normalize(product, into: output, relu: true, statistics: statistics, pixels: share)
      } else if let bias {
        ChannelKernels.normalize(
          product.pointer, bias.affine(store), residual: nil, relu: false, into: output.pointer,
          rows: share, channels: outputSize.channels)
      }
    }
    return output
  }

  func beginBackward(context: ComputeContext) {
    if bn != nil { statistics.clearSums(context) }
  }

  func receive(_ outputGradient: Tensor, pixels: Range<Int>, thread: Int) {
    bn?.addGradient(
      outputGradient, x: product, mask: .output(output.pointer), pixels: pixels, thread: thread,
      to: statistics)
  }

  func backward(
    _ outputGradient: Tensor, input: BlockInput, workspace: GradientWorkspace, pass: GradientPass,
    ready: GradientReady
  ) -> Tensor {
    let (context, batch) = (pass.context, outputGradient.shape.batch)
    gradient = gradient.withBatch(batch)
    if let bn {
      bn.endGradient(statistics, pass: pass)
      context.pool.forEachShare(of: outputGradient.shape.pixels) { [self] rows, _ in
        ChannelKernels.combine(
          statistics.gradient(outputGradient, x: product), into: gradient.pointer, rows: rows,
          channels: outputSize.channels)
      }
    } else {
      bias?.backward(outputGradient, reluOutput: nil, pass: pass)
      gradient.pointer.update(from: outputGradient.pointer, count: outputGradient.shape.count)
    }
    if pass.hasParameters { addWeightGradient(input.x, pass: pass) }
    guard let xGradient = input.place(in: workspace) else { return outputGradient }
    if batch > 0 {
      convolution.forward(
        input: ConvolutionInput(gradient.pointer), weights: pass.store.value(weight),
        output: xGradient.pointer, batch: batch, context: context)
      context.forEachImage(xGradient.shape) { ready(xGradient, $0, $1) }
    }
    return xGradient
  }

  /// The convolution's weight gradient, the images' shards each for itself where there are some.
  private func addWeightGradient(_ x: Tensor, pass: GradientPass) {
    defer { pass.finish(weight) }
    func add(
      _ images: Range<Int>, to target: UnsafeMutablePointer<Float>, _ context: ComputeContext
    ) {
      convolution.backward(
        input: ConvolutionInput(gradient.pointer(image: images.lowerBound)),
        outputGradient: ConvolutionOutputGradient(x.pointer(image: images.lowerBound)),
        weights: pass.store.value(weight), weightGradient: target, inputGradient: nil,
        batch: images.count, context: context)
    }
    guard let shards = pass.hooks.imageShards else {
      return add(0..<x.shape.batch, to: pass.store.gradient(weight), pass.context)
    }
    // See Note [Sums that do not depend on the world].
    let partials = (0..<pass.context.threads).map { _ in FloatBuffer(count: weight.count) }
    pass.context.forEachShard(shards) { images, single, thread in
      partials[thread].clear()
      add(images, to: partials[thread].pointer, single)
    } roundEnded: { count in
      pass.store.addWideGradient(
        partials[..<count].map(\.pointer), of: weight, pool: pass.context.pool)
    }
  }
}
