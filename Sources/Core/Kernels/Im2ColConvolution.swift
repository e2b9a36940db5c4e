/// Convolutions as products of patch matrices, by blocks of output pixels that stay in cache.
///
/// N = batch, K = kernel x kernel x input channels, O = output channels; weights are HWIO, that is
/// [K, O].
package struct Im2ColConvolution: Sendable {
  let geometry: ConvolutionGeometry

  package init(geometry: ConvolutionGeometry) { self.geometry = geometry }

  /// Output pixels per block: small enough for the cache, many enough that packing the weights
  /// pays.
  private var rowsPerBlock: Int {
    max(65_536 / geometry.patchSize, 2 * geometry.outputChannels, 32)
  }
  private var patchFloats: Int { rowsPerBlock * geometry.patchSize }
  private var inputPixels: Int { geometry.inputHeight * geometry.inputWidth }

  /// output[N, OH, OW, O] = input * weights, plus the old output where `accumulate` holds; or what
  /// `finish` makes of it.
  package func forward(
    input: ConvolutionInput, weights: UnsafeMutablePointer<Float>,
    output: UnsafeMutablePointer<Float>, batch: Int, accumulate: Bool = false,
    finish: ConvolutionFinish? = nil, context: ComputeContext,
    ready: PixelsReady = { _, _ in }
  ) {
    let columns = geometry.outputChannels
    let plainFactor = PatchFactor(
      MatrixView(pointer: weights, stride: columns), depth: geometry.patchSize, columns: columns)
    let shared = sharedMemory(
      input, batch: batch, panelFloats: plainFactor.panelFloats, context: context)
    let x = plain(input, batch: batch, into: shared.input, context: context)
    let factor = plainFactor.packed(into: shared.panels, context: context)
    let scratch = context.scratch.perThread(patchFloats)
    context.pool.forEachShare(of: batch) { images, thread in
      forEachBlock(of: images) { block in
        factor.multiply(
          patches(of: x, rows: block, scratch: scratch[thread]),
          into: output + block.lowerBound * columns, rows: block.count,
          pixels: geometry.outputPixels, accumulate: accumulate)
        if let finish {
          ChannelKernels.normalize(
            output, finish.affine, residual: finish.residual.map { .init(values: $0) },
            relu: finish.relu, into: output, rows: block, channels: columns)
        }
        forEachImagePart(of: block, pixels: geometry.outputPixels) { ready($0, thread) }
      }
    }
  }

  /// Adds input * outputGradient to `weightGradient`, and writes the input's gradient, each where it
  /// is wanted.
  ///
  /// A thread owns whole images, so that overlapping patches are never added by two threads at
  /// once. It sums the weights' gradient into its own copy; the copies are added in thread order.
  package func backward(
    input: ConvolutionInput, outputGradient: ConvolutionOutputGradient,
    weights: UnsafeMutablePointer<Float>, weightGradient: UnsafeMutablePointer<Float>?,
    inputGradient: ConvolutionInputGradient?, batch: Int, context: ComputeContext,
    ready: PixelsReady = { _, _ in }
  ) {
    let plainFactor = inputGradient.map { _ in
      PatchFactor(
        MatrixView(pointer: weights, stride: geometry.outputChannels, order: .transposed),
        depth: geometry.outputChannels, columns: geometry.patchSize)
    }
    let shared = sharedMemory(
      input, batch: batch, panelFloats: plainFactor?.panelFloats ?? 0, context: context)
    let x = plain(input, batch: batch, into: shared.input, context: context)
    let factor = plainFactor?.packed(into: shared.panels, context: context)
    let count = weightGradient == nil ? 0 : geometry.patchSize * geometry.outputChannels
    let gradientFloats = rowsPerBlock * geometry.outputChannels
    let scratch = context.scratch.perThread(patchFloats + gradientFloats + count)
    let partial = patchFloats + gradientFloats
    context.pool.run { (scratch[$0] + partial).update(repeating: 0, count: count) }
    context.pool.forEachShare(of: batch) { images, thread in
      if let inputGradient { clear(inputGradient, images: images) }
      forEachBlock(of: images) { block in
        let gradient = rows(of: outputGradient, block, scratch: scratch[thread] + patchFloats)
        if weightGradient != nil {
          addWeightGradient(
            x, gradient, block, scratch: scratch[thread], to: scratch[thread] + partial)
        }
        if let inputGradient, let factor {
          addInputGradient(
            gradient, factor, block, scratch: scratch[thread], to: inputGradient.values)
        }
      }
      for image in images { ready(image * inputPixels..<(image + 1) * inputPixels, thread) }
    }
    guard let weightGradient else { return }
    context.pool.forEachShare(of: count) { range, _ in
      for scratch in scratch {
        let values = scratch + partial
        for index in range { weightGradient[index] += values[index] }
      }
    }
  }

  private func addWeightGradient(
    _ x: UnsafeMutablePointer<Float>, _ gradient: MatrixView, _ block: Range<Int>,
    scratch: UnsafeMutablePointer<Float>, to partial: UnsafeMutablePointer<Float>
  ) {
    var patches = self.patches(of: x, rows: block, scratch: scratch)
    let columns = geometry.outputChannels
    if columns % PackedGEMM.panelWidth == 0 {
      return PackedGEMM.multiplyTransposed(
        patches.pointer, stride: patches.stride, gradient.pointer, stride: gradient.stride,
        into: partial, stride: columns, m: geometry.patchSize, n: columns, k: block.count,
        accumulate: true)
    }
    patches.order = .transposed
    GEMM.multiply(
      patches, gradient, into: MatrixView(pointer: partial, stride: columns),
      m: geometry.patchSize, n: columns, k: block.count, accumulate: true)
  }

  private func addInputGradient(
    _ gradient: MatrixView, _ factor: PatchFactor, _ block: Range<Int>,
    scratch: UnsafeMutablePointer<Float>, to inputGradient: UnsafeMutablePointer<Float>
  ) {
    factor.multiply(
      gradient, into: scratch, rows: block.count, pixels: geometry.outputPixels)
    Im2Col.scatterAdd(geometry, patches: scratch, rows: block, inputGradient: inputGradient)
  }

  /// Memory that all threads share: the weights' panels, and the input if it has to be mapped.
  private func sharedMemory(
    _ input: ConvolutionInput, batch: Int, panelFloats: Int, context: ComputeContext
  ) -> (panels: UnsafeMutablePointer<Float>, input: UnsafeMutablePointer<Float>) {
    let inputFloats = input.rectified == nil ? 0 : batch * inputPixels * geometry.inputChannels
    let memory = context.scratch.shared(panelFloats + inputFloats)
    return (memory, memory + panelFloats)
  }

  private func clear(_ gradient: ConvolutionInputGradient, images: Range<Int>) {
    if gradient.accumulate { return }
    let floats = inputPixels * geometry.inputChannels
    (gradient.values + images.lowerBound * floats)
      .update(repeating: 0, count: images.count * floats)
  }

  /// Calls `body` for blocks of output pixels: several whole images, or parts of one.
  private func forEachBlock(of images: Range<Int>, _ body: (Range<Int>) -> Void) {
    let pixels = geometry.outputPixels
    let rows = images.lowerBound * pixels..<images.upperBound * pixels
    if pixels <= rowsPerBlock {
      let step = rowsPerBlock / pixels * pixels
      for start in stride(from: rows.lowerBound, to: rows.upperBound, by: step) {
        body(start..<min(start + step, rows.upperBound))
      }
      return
    }
    for image in stride(from: rows.lowerBound, to: rows.upperBound, by: pixels) {
      for start in stride(from: image, to: image + pixels, by: rowsPerBlock) {
        body(start..<min(start + rowsPerBlock, image + pixels))
      }
    }
  }

  /// Calls `body` for the block's part of each image.
  private func forEachImagePart(of block: Range<Int>, pixels: Int, _ body: (Range<Int>) -> Void) {
    if block.count < pixels { return body(block) }
    for start in stride(from: block.lowerBound, to: block.upperBound, by: pixels) {
      body(start..<start + pixels)
    }
  }

  /// The input itself; a map that is to be applied to it is applied to all of it at once.
  private func plain(
    _ input: ConvolutionInput, batch: Int, into result: UnsafeMutablePointer<Float>,
    context: ComputeContext
  ) -> UnsafeMutablePointer<Float> {
    guard let affine = input.rectified else { return input.values }
    let channels = geometry.inputChannels
    context.pool.forEachShare(of: batch * inputPixels) { pixels, _ in
      ChannelKernels.normalize(
        input.values, affine, residual: nil, relu: true, into: result, rows: pixels,
        channels: channels)
    }
    return result
  }

  /// Rows `rows` of the output's gradient, with BatchNorm's backward applied: [rows, O].
  private func rows(
    of gradient: ConvolutionOutputGradient, _ rows: Range<Int>,
    scratch: UnsafeMutablePointer<Float>
  ) -> MatrixView {
    let columns = geometry.outputChannels
    let first = rows.lowerBound * columns
    guard var normalization = gradient.normalization else {
      return MatrixView(pointer: gradient.values + first, stride: columns)
    }
    normalization.x += first
    ChannelKernels.combine(
      ConvolutionOutputGradient(gradient.values + first, normalization: normalization),
      into: scratch, rows: 0..<rows.count, channels: columns)
    return MatrixView(pointer: scratch, stride: columns)
  }

  private func patches(
    of input: UnsafeMutablePointer<Float>, rows: Range<Int>, scratch: UnsafeMutablePointer<Float>
  ) -> MatrixView {
    let size = geometry.patchSize
    if geometry.isPointwise {
      return MatrixView(pointer: input + rows.lowerBound * size, stride: size)
    }
    Im2Col.gather(geometry, input: input, rows: rows, patches: scratch)
    return MatrixView(pointer: scratch, stride: size)
  }
}
