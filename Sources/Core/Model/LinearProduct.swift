/// The products of a wide linear layer, in float, shared by the threads.
///
/// In forward and in the input's gradient the images are columns of `PackedGEMM`'s products, which
/// sum each by itself: an image's bits do not depend on those beside it, as OpenBLAS's may. The
/// weights, far more than the images, are read where they lie.
struct LinearProduct {
  let inputs, outputs: Int

  /// y[N, O] = x[N, I] weightᵀ + bias.
  func forward(
    _ x: Tensor, into y: Tensor, weight: UnsafeMutablePointer<Float>,
    bias: UnsafeMutablePointer<Float>, context: ComputeContext
  ) {
    let (batch, width) = (x.shape.batch, PackedGEMM.panelWidth)
    let columns = Self.columns(batch)
    let panels = context.scratch.shared((inputs + outputs) * columns)
    let result = panels + inputs * columns
    context.pool.forEachShare(of: columns) { share, _ in
      for image in share {
        let target = panels + image / width * width * inputs + image % width
        for i in 0..<inputs {
          target[i * width] = image < batch ? x.pointer[image * inputs + i] : 0
        }
      }
    }
    forEachChunk(of: outputs, context: context) { rows in
      PackedGEMM.multiply(
        weight + rows.lowerBound * inputs, stride: inputs, panels: panels,
        panelStride: inputs * width, into: result + rows.lowerBound * columns, stride: columns,
        m: rows.count, n: columns, k: inputs)
    }
    context.pool.forEachShare(of: batch) { share, _ in
      for image in share {
        for o in 0..<outputs {
          y.pointer[image * outputs + o] = result[o * columns + image] + bias[o]
        }
      }
    }
  }

  /// xGradient[N, I] = yGradient[N, O] weight.
  func inputGradient(
    _ yGradient: Tensor, into xGradient: Tensor, weight: UnsafeMutablePointer<Float>,
    context: ComputeContext
  ) {
    let batch = yGradient.shape.batch
    let columns = Self.columns(batch)
    let gradient = context.scratch.shared((inputs + outputs) * columns)
    let result = gradient + outputs * columns
    context.pool.forEachShare(of: columns) { share, _ in
      for image in share {
        for o in 0..<outputs {
          gradient[o * columns + image] =
            image < batch ? yGradient.pointer[image * outputs + o] : 0
        }
      }
    }
    forEachChunk(of: inputs, context: context) { rows in
      PackedGEMM.multiplyTransposed(
        weight + rows.lowerBound, stride: inputs, gradient, stride: columns,
        into: result + rows.lowerBound * columns, stride: columns, m: rows.count, n: columns,
        k: outputs, accumulate: false)
    }
    context.pool.forEachShare(of: batch) { share, _ in
      for image in share {
        for i in 0..<inputs {
          xGradient.pointer[image * inputs + i] = result[i * columns + image]
        }
      }
    }
  }

  /// Whole panels for `batch` images.
  private static func columns(_ batch: Int) -> Int {
    let width = PackedGEMM.panelWidth
    return (batch + width - 1) / width * width
  }

  /// Adds yGradientᵀ x and the sums of yGradient; each shard's apart where `pass` has shards.
  func addGradients(
    _ yGradient: Tensor, x: Tensor, weight: ParameterSlot, bias: ParameterSlot, pass: GradientPass
  ) {
    let (store, context) = (pass.store, pass.context)
    pass.addBiasGradient(yGradient, of: bias)
    guard let shards = pass.hooks.imageShards else {
      return addWeightGradient(
        yGradient, x, images: 0..<x.shape.batch, to: store.gradient(weight), context: context)
    }
    // See Note [Sums that do not depend on the world].
    let partial = context.scratch.shared(weight.count)
    for shard in shards {
      partial.update(repeating: 0, count: weight.count)
      addWeightGradient(yGradient, x, images: shard, to: partial, context: context)
      store.addWideGradient([partial], of: weight, pool: context.pool)
    }
  }

  /// Adds yGradientᵀ x of `images` to `target` [O, I].
  func addWeightGradient(
    _ yGradient: Tensor, _ x: Tensor, images: Range<Int>, to target: UnsafeMutablePointer<Float>,
    context: ComputeContext
  ) {
    forEachChunk(of: inputs, context: context) { columns in
      GEMM.multiply(
        MatrixView(
          pointer: yGradient.pointer + images.lowerBound * outputs, stride: outputs,
          order: .transposed),
        MatrixView(
          pointer: x.pointer + images.lowerBound * inputs + columns.lowerBound, stride: inputs),
        into: MatrixView(pointer: target + columns.lowerBound, stride: inputs), m: outputs,
        n: columns.count, k: images.count, accumulate: true)
    }
  }

  /// Calls `body` with chunks of a matrix's side that do not depend on the number of threads.
  private func forEachChunk(
    of count: Int, context: ComputeContext, _ body: (Range<Int>) -> Void
  ) {
    context.pool.forEachChunk(of: count, size: 512) { columns, _ in body(columns) }
  }
}
