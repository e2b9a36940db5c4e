/// Convolutions as products of patch matrices, by blocks of output pixels that stay in cache.
///
/// N = batch, K = kernel x kernel x input channels, O = output channels; weights are HWIO, that is [K, O].
package struct Im2ColConvolution {
  let geometry: ConvolutionGeometry

  package init(geometry: ConvolutionGeometry) { self.geometry = geometry }

  /// Output pixels per block: small enough for the cache, many enough that packing the weights pays.
  private var rowsPerBlock: Int {
    max(65_536 / geometry.patchSize, 2 * geometry.outputChannels, 32)
  }

  /// output[N, OH, OW, O] = input * weights, plus the old output where `accumulate` holds.
  package func forward(
    input: UnsafeMutablePointer<Float>, weights: UnsafeMutablePointer<Float>,
    output: UnsafeMutablePointer<Float>, batch: Int, accumulate: Bool, context: ComputeContext
  ) {
    let columns = geometry.outputChannels
    let scratch = context.scratch(perThread: blockFloats)
    context.pool.forEachShare(of: batch * geometry.outputPixels) { rows, thread in
      forEachBlock(of: rows) { block in
        let patches = self.patches(of: input, rows: block, scratch: scratch[thread])
        GEMM.multiply(
          patches, MatrixView(pointer: weights, stride: columns),
          into: MatrixView(pointer: output + block.lowerBound * columns, stride: columns),
          m: block.count, n: columns, k: geometry.patchSize, accumulate: accumulate)
      }
    }
  }

  /// Adds input * outputGradient to `weightGradient`: [K, O].
  ///
  /// Each thread sums its own images into its own copy; the copies are added in thread order.
  package func backwardWeights(
    input: UnsafeMutablePointer<Float>, outputGradient: UnsafeMutablePointer<Float>,
    weightGradient: UnsafeMutablePointer<Float>, batch: Int, context: ComputeContext
  ) {
    let columns = geometry.outputChannels
    let count = geometry.patchSize * columns
    let scratch = context.scratch(perThread: blockFloats + count)
    context.pool.run { (scratch[$0] + blockFloats).update(repeating: 0, count: count) }
    context.pool.forEachShare(of: batch * geometry.outputPixels) { rows, thread in
      forEachBlock(of: rows) { block in
        var patches = self.patches(of: input, rows: block, scratch: scratch[thread])
        patches.order = .transposed
        let gradient = outputGradient + block.lowerBound * columns
        GEMM.multiply(
          patches, MatrixView(pointer: gradient, stride: columns),
          into: MatrixView(pointer: scratch[thread] + blockFloats, stride: columns),
          m: geometry.patchSize, n: columns, k: block.count, accumulate: true)
      }
    }
    context.pool.forEachShare(of: count) { range, _ in
      for partial in scratch {
        let values = partial + blockFloats
        for index in range { weightGradient[index] += values[index] }
      }
    }
  }

  /// inputGradient[N, H, W, C] = outputGradient * weights transposed, plus the old one where `accumulate`.
  ///
  /// A thread owns whole images, so that overlapping patches are never added by two threads at once.
  package func backwardInput(
    outputGradient: UnsafeMutablePointer<Float>, weights: UnsafeMutablePointer<Float>,
    inputGradient: UnsafeMutablePointer<Float>, batch: Int, accumulate: Bool,
    context: ComputeContext
  ) {
    let columns = geometry.outputChannels
    let imageFloats = geometry.inputHeight * geometry.inputWidth * geometry.inputChannels
    let scratch = context.scratch(perThread: blockFloats)
    context.pool.forEachShare(of: batch) { images, thread in
      if !accumulate {
        (inputGradient + images.lowerBound * imageFloats)
          .update(repeating: 0, count: images.count * imageFloats)
      }
      let pixels = geometry.outputPixels
      forEachBlock(of: images.lowerBound * pixels..<images.upperBound * pixels) { block in
        GEMM.multiply(
          MatrixView(pointer: outputGradient + block.lowerBound * columns, stride: columns),
          MatrixView(pointer: weights, stride: columns, order: .transposed),
          into: MatrixView(pointer: scratch[thread], stride: geometry.patchSize),
          m: block.count, n: geometry.patchSize, k: columns)
        Im2Col.scatterAdd(
          geometry, patches: scratch[thread], rows: block, inputGradient: inputGradient)
      }
    }
  }

  private var blockFloats: Int { rowsPerBlock * geometry.patchSize }

  private func forEachBlock(of rows: Range<Int>, _ body: (Range<Int>) -> Void) {
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: rowsPerBlock) {
      body(start..<min(start + rowsPerBlock, rows.upperBound))
    }
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
