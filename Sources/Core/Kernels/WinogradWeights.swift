import KernelShim

/// The weights' way into the transformed domain, packed for `PackedGEMM`, and their gradient's way
/// back.
///
/// Forward packs panels of output channels; for the input's gradient the same is done to the
/// transposed weights, which yields panels of the depth.
struct WinogradWeights {
  let plan: WinogradPlan

  /// Weights [3, 3, rows, columns], or their transpose for the input's gradient: [3, 3, O, I].
  struct Source {
    let pointer: UnsafeMutablePointer<Float>
    let rows: Int
    let columns: Int
    let isTransposed: Bool
  }

  /// Panels [O / 16][plane][depth][16] of the weights [3, 3, I, O].
  func pack(
    _ weights: UnsafeMutablePointer<Float>, into packed: UnsafeMutablePointer<Float>,
    for products: WinogradProducts, context: ComputeContext
  ) {
    pack(
      Source(
        pointer: weights, rows: plan.channels, columns: plan.outputs, isTransposed: false),
      into: packed, for: products, context: context)
  }

  /// Panels [I / 16][plane, phase][O][16] of the same, from the transposed weights [3, 3, O, I].
  func packTransposed(
    _ weights: UnsafeMutablePointer<Float>, into packed: UnsafeMutablePointer<Float>,
    for products: WinogradProducts, context: ComputeContext
  ) {
    pack(
      Source(pointer: weights, rows: plan.outputs, columns: plan.channels, isTransposed: true),
      into: packed, for: products, context: context)
  }

  private func pack(
    _ source: Source, into packed: UnsafeMutablePointer<Float>, for products: WinogradProducts,
    context: ComputeContext
  ) {
    context.pool.forEachShare(of: source.rows) { share, _ in
      pack(source, rows: share, columns: 0..<source.columns, into: packed)
    }
    guard products.packs else { return }
    context.pool.forEachShare(of: source.columns / PackedGEMM.panelWidth) { panels, _ in
      for plane in plan.planes {
        finish(plane, panels: panels, isTransposed: source.isTransposed, packed, for: products)
      }
    }
  }

  /// Makes what `pack` wrote of one plane's weights, a matrix for each panel and phase, the factors
  /// that `products` reads.
  func finish(
    _ plane: WinogradPlan.Plane, panels: Range<Int>, isTransposed: Bool,
    _ packed: UnsafeMutablePointer<Float>, for products: WinogradProducts
  ) {
    for panel in panels {
      if isTransposed {
        let first = packed + panel * plan.transposedPanelStride
        for phase in 0..<plane.depth / plan.channels {
          products.packPanel(
            first + plan.transposedPlace(of: plane, phase: phase), depth: plan.outputs)
        }
      } else {
        products.packPanel(
          packed + panel * plan.panelStride + plan.place(of: plane), depth: plane.depth)
      }
    }
  }

  /// The panels of `columns`, of which `rows` are written; the first panel begins at `packed`.
  func pack(
    _ weights: Source, rows: Range<Int>, columns: Range<Int>,
    into packed: UnsafeMutablePointer<Float>
  ) {
    let panelStride = weights.isTransposed ? plan.transposedPanelStride : plan.panelStride
    let places = places { plane, phase in
      weights.isTransposed
        ? plan.transposedPlace(of: plan.planes[plane], phase: phase)
        : plan.place(of: plan.planes[plane]) + phase * plan.channels * PackedGEMM.panelWidth
    }
    places.withUnsafeBufferPointer { places in
      withUnsafeTemporaryAllocation(of: Float8.self, capacity: 27) { scratch in
        Self.forEachBlock(of: weights, rows: rows, columns: columns) { block in
          for panel in 0..<block.columns / PackedGEMM.panelWidth {
            let start = packed + (block.firstPanel &+ panel) &* panelStride
            for row in 0..<block.rows {
              for lane in stride(from: 0, to: PackedGEMM.panelWidth, by: 8) {
                let source =
                  block.taps
                  + (row &* 9 &* Self.blockColumns &+ panel &* PackedGEMM.panelWidth &+ lane)
                let target =
                  start + ((block.firstRow &+ row) &* PackedGEMM.panelWidth &+ lane)
                func put(_ index: Int, _ value: Float8) {
                  let place = target + places[index]
                  if lane == 0 { fst_prefetch_write(place + Self.floatsAhead) }
                  place.store8(value)
                }
                if plan.isStrided {
                  Self.stridedTransform(source, Self.blockColumns, scratch, put)
                } else {
                  Self.unitTransform(source, Self.blockColumns, scratch, put)
                }
              }
            }
          }
        }
      }
    }
  }

  /// Floats ahead that a panel's planes are asked for, four rows: they are more streams than a
  /// processor follows by itself, and a chunk of them more than the second-level cache holds.
  private static let floatsAhead = 4 * PackedGEMM.panelWidth

  // Rows and columns that are copied at a time: their nine taps stay in the first-level cache.
  private static let blockRows = 8
  private static let blockColumns = 2 * PackedGEMM.panelWidth

  /// A copy of some rows and columns, the taps of a row side by side: [rows, 9, blockColumns].
  private struct Block {
    var taps: UnsafeMutablePointer<Float>
    /// Among all rows, and among the panels that are packed.
    var firstRow: Int
    var firstPanel: Int
    var rows: Int
    var columns: Int
  }

  /// Calls `body` with copies that together are `rows` and `columns` of the weights.
  ///
  /// A tap's plane is mostly a power of two, so that the nine taps of one place push each other out
  /// of the caches. Copied tap by tap they are read once, many lines at the same time.
  @inline(__always)
  private static func forEachBlock(
    of weights: Source, rows: Range<Int>, columns: Range<Int>, _ body: (Block) -> Void
  ) {
    let plane = weights.rows * weights.columns
    withUnsafeTemporaryAllocation(
      byteCount: blockRows * 9 * blockColumns * MemoryLayout<Float>.stride, alignment: 64
    ) { memory in
      guard let taps = memory.baseAddress?.assumingMemoryBound(to: Float.self) else { return }
      for firstColumn in stride(
        from: columns.lowerBound, to: columns.upperBound, by: blockColumns)
      {
        let width = min(blockColumns, columns.upperBound - firstColumn)
        for firstRow in stride(from: rows.lowerBound, to: rows.upperBound, by: blockRows) {
          let height = min(blockRows, rows.upperBound - firstRow)
          for tap in 0..<9 {
            for row in 0..<height {
              let source =
                weights.pointer
                + (tap &* plane &+ (firstRow &+ row) &* weights.columns &+ firstColumn)
              let target = taps + (row &* 9 &+ tap) &* blockColumns
              forEachEight(of: width) { target.store8(source.load8($0), $0) }
            }
          }
          body(
            Block(
              taps: taps, firstRow: firstRow,
              firstPanel: (firstColumn - columns.lowerBound) / PackedGEMM.panelWidth,
              rows: height, columns: width))
        }
      }
    }
  }

  @inline(__always)
  private static func unitTransform(
    _ source: UnsafeMutablePointer<Float>, _ plane: Int,
    _ columns: UnsafeMutableBufferPointer<Float8>, _ put: (_ plane: Int, Float8) -> Void
  ) {
    for x in 0..<3 {
      let u = SixPoints.weights(
        (
          source.load8(x &* plane), source.load8((x &+ 3) &* plane),
          source.load8((x &+ 6) &* plane)
        ))
      columns[x] = u.0
      columns[x &+ 3] = u.1
      columns[x &+ 6] = u.2
      columns[x &+ 9] = u.3
      columns[x &+ 12] = u.4
      columns[x &+ 15] = u.5
    }
    for i in 0..<6 {
      let u = SixPoints.weights((columns[3 &* i], columns[3 &* i &+ 1], columns[3 &* i &+ 2]))
      put(6 &* i, u.0)
      put(6 &* i &+ 1, u.1)
      put(6 &* i &+ 2, u.2)
      put(6 &* i &+ 3, u.3)
      put(6 &* i &+ 4, u.4)
      put(6 &* i &+ 5, u.5)
    }
  }

  /// `put` counts 9 points for each of nine strip rows: five of odd columns, four of even ones.
  @inline(__always)
  private static func stridedTransform(
    _ source: UnsafeMutablePointer<Float>, _ plane: Int,
    _ columns: UnsafeMutableBufferPointer<Float8>, _ put: (_ place: Int, Float8) -> Void
  ) {
    for x in 0..<3 {
      let odd = FivePoints.weights((source.load8(x &* plane), source.load8((x &+ 6) &* plane)))
      let even = FivePoints.weights(source.load8((x &+ 3) &* plane))
      columns[x] = odd.0
      columns[x &+ 3] = odd.1
      columns[x &+ 6] = odd.2
      columns[x &+ 9] = odd.3
      columns[x &+ 12] = odd.4
      columns[x &+ 15] = even.0
      columns[x &+ 18] = even.1
      columns[x &+ 21] = even.2
      columns[x &+ 24] = even.3
    }
    for i in 0..<9 {
      let odd = FivePoints.weights((columns[3 &* i], columns[3 &* i &+ 2]))
      let even = FivePoints.weights(columns[3 &* i &+ 1])
      put(9 &* i, odd.0)
      put(9 &* i &+ 1, odd.1)
      put(9 &* i &+ 2, odd.2)
      put(9 &* i &+ 3, odd.3)
      put(9 &* i &+ 4, odd.4)
      put(9 &* i &+ 5, even.0)
      put(9 &* i &+ 6, even.1)
      put(9 &* i &+ 7, even.2)
      put(9 &* i &+ 8, even.3)
    }
  }

  /// Places in the order of `unitTransform` or `stridedTransform`.
  func places<Place>(_ place: (_ plane: Int, _ phase: Int) -> Place) -> [Place] {
    plan.isStrided ? stridedPlaces(place) : (0..<36).map { place($0, 0) }
  }

  /// Places in the order of `stridedTransform`.
  private func stridedPlaces<Place>(_ place: (_ plane: Int, _ phase: Int) -> Place) -> [Place] {
    (0..<9).flatMap { stripRow in
      let isOddRow = stripRow < 5
      let planes = WinogradStrideTwo.planes(ofRowPoint: isOddRow ? stripRow : stripRow - 5)
      let odd = (0..<4).map { place(planes.finite + $0, isOddRow ? 0 : 2) }
      let even = (0..<4).map { place(planes.finite + $0, isOddRow ? 1 : 3) }
      return odd + [place(planes.infinity, isOddRow ? 0 : 1)] + even
    }
  }
}
