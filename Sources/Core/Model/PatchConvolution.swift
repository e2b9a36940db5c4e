import Distributed

/// A convolution with a bias and, where wanted, a ReLU, as products of patch matrices.
///
/// For networks that are no classifiers and small beside them: any kernel, padded on each side as it
/// likes. Each image is computed alone, and weight gradients are summed in double over shards: see
/// Note [Sums that do not depend on the world]. Shapes: x [N, H, W, I] → y [N, OH, OW, O]; weight
/// OIHW in PyTorch, kept as HWIO; bias [O].
package struct PatchConvolution: Sendable {
  /// The weight's place in the parameters.
  package let weight: ParameterSlot
  /// The bias's place in the parameters.
  package let bias: ParameterSlot
  private let geometry: ConvolutionGeometry
  private let relu: Bool

  /// Registers `name.weight` and `name.bias` for inputs of `input`'s height, width and channels.
  ///
  /// `padding` are the rows above and columns left of the image, `trailing` those on its other
  /// sides, as many unless told.
  package init(
    _ name: String, input: Shape, outputs: Int, kernel: Int = 3, stride: Int = 1, padding: Int = 1,
    trailing: Int? = nil, relu: Bool = true, plan: inout ParameterLayoutPlan
  ) {
    weight = plan.parameter(
      "\(name).weight", shape: [outputs, input.channels, kernel, kernel], role: .kernel,
      layout: .convolutionHWIO)
    bias = plan.parameter(
      "\(name).bias", shape: [outputs], role: .bias(fanIn: input.channels * kernel * kernel))
    geometry = ConvolutionGeometry(
      inputHeight: input.height, inputWidth: input.width, inputChannels: input.channels,
      outputChannels: outputs, kernel: kernel, stride: stride, padding: padding,
      trailingPadding: trailing)
    self.relu = relu
  }

  /// The shape of the output for `batch` images.
  package func outputShape(batch: Int) -> Shape {
    Shape(
      batch: batch, height: geometry.outputHeight, width: geometry.outputWidth,
      channels: geometry.outputChannels)
  }

  private var outputs: Int { geometry.outputChannels }
  private var pixels: Int { geometry.outputPixels }
  private var patchFloats: Int { pixels * geometry.patchSize }

  private func rows(of image: Int) -> Range<Int> { image * pixels..<(image + 1) * pixels }

  /// y = [max 0](x * weight + bias).
  package func forward(
    _ x: Tensor, into y: Tensor, store: ParameterStore, context: ComputeContext
  ) {
    precondition(y.shape == outputShape(batch: x.shape.batch), "\(weight.name): \(y.shape)")
    let (weights, shift) = (store.value(weight), store.value(bias))
    let scratch = context.scratch.perThread(patchFloats)
    context.pool.forEachShare(of: x.shape.batch) { images, thread in
      for image in images {
        let target = y.pointer(image: image)
        Im2Col.gather(
          geometry, input: x.pointer, rows: rows(of: image), patches: scratch[thread])
        for pixel in 0..<pixels {
          (target + pixel * outputs).update(from: shift, count: outputs)
        }
        GEMM.multiply(
          MatrixView(pointer: scratch[thread], stride: geometry.patchSize),
          MatrixView(pointer: weights, stride: outputs),
          into: MatrixView(pointer: target, stride: outputs), m: pixels, n: outputs,
          k: geometry.patchSize, accumulate: true)
        if relu { for place in 0..<pixels * outputs where target[place] < 0 { target[place] = 0 } }
      }
    }
  }

  /// Adds the gradients of weight and bias to the store's double ones; writes the input's into
  /// `xGradient`.
  ///
  /// `yGradient` is overwritten by the gradient before the ReLU, whose output `y` is. `shards` are
  /// ranges of the images that are summed apart.
  package func backward(
    _ yGradient: Tensor, y: Tensor, x: Tensor, xGradient: Tensor?, shards: [Range<Int>],
    store: ParameterStore, context: ComputeContext
  ) {
    precondition(yGradient.shape == outputShape(batch: x.shape.batch), "\(yGradient.shape)")
    let weights = store.value(weight)
    let scratch = context.scratch.perThread(weight.count + outputs + patchFloats)
    context.forEachShard(shards) { images, _, thread in
      let sums = scratch[thread]
      let (biasSums, patches) = (sums + weight.count, sums + weight.count + outputs)
      sums.update(repeating: 0, count: weight.count + outputs)
      for image in images {
        let gradient = yGradient.pointer(image: image)
        if relu { mask(gradient, where: y.pointer(image: image)) }
        for pixel in 0..<pixels {
          for o in 0..<outputs { biasSums[o] += gradient[pixel * outputs + o] }
        }
        Im2Col.gather(geometry, input: x.pointer, rows: rows(of: image), patches: patches)
        let factor = MatrixView(pointer: gradient, stride: outputs)
        GEMM.multiply(
          MatrixView(pointer: patches, stride: geometry.patchSize, order: .transposed), factor,
          into: MatrixView(pointer: sums, stride: outputs), m: geometry.patchSize, n: outputs,
          k: pixels, accumulate: true)
        guard let xGradient else { continue }
        GEMM.multiply(
          factor, MatrixView(pointer: weights, stride: outputs, order: .transposed),
          into: MatrixView(pointer: patches, stride: geometry.patchSize), m: pixels,
          n: geometry.patchSize, k: outputs)
        xGradient.pointer(image: image).update(repeating: 0, count: x.shape.withBatch(1).count)
        Im2Col.scatterAdd(
          geometry, patches: patches, rows: rows(of: image), inputGradient: xGradient.pointer)
      }
    } roundEnded: { count in
      store.addWideGradient(Array(scratch[..<count]), of: weight, pool: context.pool)
      store.addWideGradient(
        scratch[..<count].map { $0 + weight.count }, of: bias, pool: context.pool)
    }
  }

  private func mask(
    _ gradient: UnsafeMutablePointer<Float>, where y: UnsafeMutablePointer<Float>
  ) {
    for place in 0..<pixels * outputs where y[place] <= 0 { gradient[place] = 0 }
  }
}
