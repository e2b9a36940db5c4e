/// The products of a wide linear layer, in float, shared by the threads.
///
/// They are OpenBLAS's: last bits of an image may depend on those beside it.
struct LinearProduct {
  let inputs, outputs: Int

  /// y[N, O] = x[N, I] weightᵀ + bias.
  func forward(
    _ x: Tensor, into y: Tensor, weight: UnsafeMutablePointer<Float>,
    bias: UnsafeMutablePointer<Float>, context: ComputeContext
  ) {
    context.pool.forEachShare(of: x.shape.batch) { rows, _ in
      for row in rows { (y.pointer + row * outputs).update(from: bias, count: outputs) }
    }
    forEachColumnShare(of: outputs, context: context) { columns in
      GEMM.multiply(
        MatrixView(pointer: x.pointer, stride: inputs),
        MatrixView(
          pointer: weight + columns.lowerBound * inputs, stride: inputs, order: .transposed),
        into: MatrixView(pointer: y.pointer + columns.lowerBound, stride: outputs),
        m: x.shape.batch, n: columns.count, k: inputs, accumulate: true)
    }
  }

  /// xGradient[N, I] = yGradient[N, O] weight.
  func inputGradient(
    _ yGradient: Tensor, into xGradient: Tensor, weight: UnsafeMutablePointer<Float>,
    context: ComputeContext
  ) {
    forEachColumnShare(of: inputs, context: context) { columns in
      GEMM.multiply(
        MatrixView(pointer: yGradient.pointer, stride: outputs),
        MatrixView(pointer: weight + columns.lowerBound, stride: inputs),
        into: MatrixView(pointer: xGradient.pointer + columns.lowerBound, stride: inputs),
        m: yGradient.shape.batch, n: columns.count, k: outputs)
    }
  }

  /// Adds yGradientᵀ x and the sums of yGradient; each shard's apart where `pass` has shards.
  func addGradients(
    _ yGradient: Tensor, x: Tensor, weight: ParameterSlot, bias: ParameterSlot, pass: GradientPass
  ) {
    let (store, context) = (pass.store, pass.context)
    addBiasGradient(yGradient, bias: bias, pass: pass)
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

  /// Adds the sums of yGradient.
  func addBiasGradient(_ yGradient: Tensor, bias: ParameterSlot, pass: GradientPass) {
    var sums = [Double](repeating: 0, count: outputs)
    for row in 0..<yGradient.shape.batch {
      for o in 0..<outputs { sums[o] += Double(yGradient.pointer[row * outputs + o]) }
    }
    pass.addGradient(sums[...], at: bias.offset)
  }

  /// Adds yGradientᵀ x of `images` to `target` [O, I].
  func addWeightGradient(
    _ yGradient: Tensor, _ x: Tensor, images: Range<Int>, to target: UnsafeMutablePointer<Float>,
    context: ComputeContext
  ) {
    forEachColumnShare(of: inputs, context: context) { columns in
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

  /// Calls `body` with chunks of columns that do not depend on the number of threads.
  private func forEachColumnShare(
    of count: Int, context: ComputeContext, _ body: (Range<Int>) -> Void
  ) {
    context.pool.forEachChunk(of: count, size: 512) { columns, _ in body(columns) }
  }
}
