/// The products of a wide layer whose batch is one block: each weight is used once.
///
/// Packed weights of all planes would be written to memory and read back, four times the weights
/// themselves. Here each thread packs a chunk of columns, multiplies all planes by it while the
/// cache still has it, and goes on to the next; so it does with chunks of the weights' gradient.
package struct WinogradChunks {
  let plan: WinogradPlan
  let weights: UnsafeMutablePointer<Float>
  let products: WinogradProducts
  let context: ComputeContext

  /// Columns of a chunk: two panels, as the micro-kernel takes them.
  private static let columns = 2 * PackedGEMM.panelWidth
  private static let panels = 0..<2

  /// Whether this way suits a call: one block, and chunks that share out evenly among threads.
  package static func suit(_ plan: WinogradPlan, batch: Int, threads: Int) -> Bool {
    plan.sharesBlocks && batch * plan.tilesPerImage <= plan.tilesPerBlock
      && plan.channels % (columns * threads) == 0 && plan.outputs % (columns * threads) == 0
  }

  /// Input channels of a chunk of the weights' gradient: two groups of the micro-kernel's rows.
  private static let gradientRows = 24
  /// The last chunk has less than this.
  private static let gradientRowsLimit = gradientRows + 12

  /// Scratch memory of each thread, in floats; with `gradients` also for the weights' gradient.
  static func floats(_ plan: WinogradPlan, gradients: Bool) -> Int {
    let packed =
      columns / PackedGEMM.panelWidth * max(plan.panelStride, plan.transposedPanelStride)
      + 9 * columns * plan.outputs
    return max(packed, gradients ? plan.totalDepth / plan.channels * gradientStep(plan) : 0)
  }

  /// Floats from one plane's phase of a chunk of the weights' gradient to the next.
  private static func gradientStep(_ plan: WinogradPlan) -> Int {
    gradientRowsLimit * plan.gradientStride + WinogradPlan.planePadding
  }

  /// The block's products, from its `values`.
  func multiply(
    values: UnsafeMutablePointer<Float>, into result: UnsafeMutablePointer<Float>, tiles: Int,
    scratch: [UnsafeMutablePointer<Float>]
  ) {
    forEachPlane { plane in
      products.packRows(
        values + plane.values, stride: plane.valueStride, tiles: tiles, depth: plane.depth)
    }
    let source = WinogradWeights.Source(
      pointer: weights, rows: plan.channels, columns: plan.outputs, isTransposed: false)
    forEachChunk(of: plan.outputs) { columns, thread in
      let packed = scratch[thread]
      let transform = WinogradWeights(plan: plan)
      transform.pack(source, rows: 0..<source.rows, columns: columns, into: packed)
      for plane in plan.planes {
        transform.finish(
          plane, panels: Self.panels, isTransposed: false, packed, for: products)
        products.multiply(
          values + plane.values, stride: plane.valueStride, panels: packed + plan.place(of: plane),
          panelStride: plan.panelStride, into: result + plane.products + columns.lowerBound,
          stride: plan.productStride, m: tiles, n: columns.count, k: plane.depth)
      }
    }
  }

  /// The values' gradient, from the `gradients` of the block's products.
  func multiplyTransposed(
    gradients: UnsafeMutablePointer<Float>, into values: UnsafeMutablePointer<Float>, tiles: Int,
    scratch: [UnsafeMutablePointer<Float>]
  ) {
    forEachPlane { plane in
      products.packRows(
        gradients + plane.products, stride: plan.productStride, tiles: tiles, depth: plan.outputs)
    }
    forEachChunk(of: plan.channels) { columns, thread in
      let transposed = scratch[thread]
      for tap in 0..<9 {
        Transposition.swap(
          weights + (tap * plan.channels + columns.lowerBound) * plan.outputs, rows: columns.count,
          columns: plan.outputs, into: transposed + tap * plan.outputs * columns.count,
          stride: columns.count)
      }
      let source = WinogradWeights.Source(
        pointer: transposed, rows: plan.outputs, columns: columns.count, isTransposed: true)
      let packed = transposed + 9 * plan.outputs * columns.count
      let transform = WinogradWeights(plan: plan)
      transform.pack(
        source, rows: 0..<source.rows, columns: 0..<columns.count, into: packed)
      for plane in plan.planes {
        transform.finish(plane, panels: Self.panels, isTransposed: true, packed, for: products)
        for phase in 0..<plane.depth / plan.channels {
          products.multiply(
            gradients + plane.products, stride: plan.productStride,
            panels: packed + plan.transposedPlace(of: plane, phase: phase),
            panelStride: plan.transposedPanelStride,
            into: values + plane.values + phase * plan.channels + columns.lowerBound,
            stride: plane.valueStride, m: tiles, n: columns.count, k: plan.outputs)
        }
      }
    }
  }

  /// Adds the weights' gradient, from `values` and the `gradients` of the block's products.
  ///
  /// The transformed gradient too is four times the weights: each thread makes a chunk of rows of
  /// it and takes that back at once.
  ///
  /// Those that `products` packs are packed into `factors`, one plane's `step` floats from the next:
  /// `gradients` are still to be read as rows.
  func addWeightGradient(
    values: UnsafeMutablePointer<Float>, gradients: UnsafeMutablePointer<Float>,
    factors: (first: UnsafeMutablePointer<Float>, step: Int), tiles: Int,
    to gradient: UnsafeMutablePointer<Float>, scratch: [UnsafeMutablePointer<Float>]
  ) {
    func factor(_ plane: WinogradPlan.Plane) -> UnsafeMutablePointer<Float> {
      products.packs ? factors.first + plane.index * factors.step : gradients + plane.products
    }
    forEachPlane { plane in
      products.packColumns(
        values + plane.values, stride: plane.valueStride, depth: tiles, columns: plane.depth)
      products.packColumns(
        gradients + plane.products, stride: plan.productStride, depth: tiles,
        columns: plan.outputs, into: factor(plane))
    }
    let (transform, step) = (WinogradWeights(plan: plan), Self.gradientStep(plan))
    func place(_ plane: WinogradPlan.Plane, _ phase: Int) -> Int {
      (plane.precedingDepth / plan.channels + phase) * step
    }
    let places = transform.places { place(plan.planes[$0], $1) }
    context.pool.forEachShare(of: plan.channels) { share, thread in
      let chunk = scratch[thread]
      forEachRows(of: share) { rows in
        for plane in plan.planes {
          for phase in 0..<plane.depth / plan.channels {
            products.multiplyTransposed(
              values + plane.values + phase * plan.channels + rows.lowerBound,
              stride: plane.valueStride, factor(plane), stride: plan.productStride,
              into: chunk + place(plane, phase), stride: plan.gradientStride, m: rows.count,
              n: plan.outputs, k: tiles, accumulate: false)
          }
        }
        transform.addGradient(of: [chunk], places: places, rows: rows, to: gradient)
      }
    }
  }

  /// Packs the factors of the block, where products read packed ones.
  private func forEachPlane(_ pack: (WinogradPlan.Plane) -> Void) {
    guard products.packs else { return }
    context.pool.run { thread in
      for index in stride(from: thread, to: plan.planes.count, by: context.threads) {
        pack(plan.planes[index])
      }
    }
  }

  private func forEachRows(of share: Range<Int>, _ body: (Range<Int>) -> Void) {
    var first = share.lowerBound
    while first < share.upperBound {
      let rest = share.upperBound - first
      let rows = first..<first + (rest < Self.gradientRowsLimit ? rest : Self.gradientRows)
      body(rows)
      first = rows.upperBound
    }
  }

  private func forEachChunk(of count: Int, _ body: (_ columns: Range<Int>, _ thread: Int) -> Void) {
    context.pool.forEachShare(of: count / Self.columns) { chunks, thread in
      for chunk in chunks { body(chunk * Self.columns..<(chunk + 1) * Self.columns, thread) }
    }
  }
}
