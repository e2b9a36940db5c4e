import KernelShim

/// The weights' gradient's way back from the transformed domain.
extension WinogradWeights {
  /// Adds Gᵀ u G to the weights' gradient [3, 3, I, O]; u is the sum of `parts`, in their order.
  func addGradient(
    of parts: [UnsafeMutablePointer<Float>], to gradient: UnsafeMutablePointer<Float>,
    context: ComputeContext
  ) {
    let places = places { plane, phase in
      plan.planes[plane].gradient + phase * plan.channels * plan.gradientStride
    }
    context.pool.forEachShare(of: plan.channels) { share, _ in
      addGradient(
        of: parts.map { $0 + share.lowerBound * plan.gradientStride }, places: places,
        rows: share, to: gradient)
    }
  }

  /// The same for input channels `rows`, with which the parts begin; a plane's phase lies at its
  /// place.
  func addGradient(
    of parts: [UnsafeMutablePointer<Float>], places: [Int], rows: Range<Int>,
    to gradient: UnsafeMutablePointer<Float>
  ) {
    let plane = plan.channels * plan.outputs
    places.withUnsafeBufferPointer { places in
      parts.withUnsafeBufferPointer { parts in
        withUnsafeTemporaryAllocation(of: Float8.self, capacity: 27) { scratch in
          for row in rows {
            let source = (row &- rows.lowerBound) &* plan.gradientStride
            for column in stride(from: 0, to: plan.outputs, by: 8) {
              let target = gradient + (row &* plan.outputs &+ column)
              if column % 16 == 0 { Self.prefetchToWrite(target + Self.gradientFloatsAhead, plane) }
              func value(_ index: Int) -> Float8 {
                Self.sum(parts, places[index] &+ source &+ column)
              }
              if plan.isStrided {
                Self.stridedAdjoint(scratch, target, plane, value)
              } else {
                Self.unitAdjoint(scratch, target, plane, value)
              }
            }
          }
        }
      }
    }
  }

  /// Floats ahead that a row of the gradient is asked for: nine rows and 36 planes are more streams
  /// than a processor follows by itself.
  private static let gradientFloatsAhead = 64

  @inline(__always)
  private static func prefetchToWrite(_ target: UnsafeMutablePointer<Float>, _ plane: Int) {
    for tap in 0..<9 { fst_prefetch_write(target + tap &* plane) }
  }

  @inline(__always)
  private static func sum(
    _ parts: UnsafeBufferPointer<UnsafeMutablePointer<Float>>, _ place: Int
  ) -> Float8 {
    var total = parts[0].load8(place)
    var part = 1
    while part < parts.count {
      total += parts[part].load8(place)
      part &+= 1
    }
    return total
  }

  @inline(__always)
  private static func unitAdjoint(
    _ columns: UnsafeMutableBufferPointer<Float8>, _ target: UnsafeMutablePointer<Float>,
    _ plane: Int, _ sum: (Int) -> Float8
  ) {
    for i in 0..<6 {
      let g = SixPoints.weightsAdjoint(
        (
          sum(6 &* i), sum(6 &* i &+ 1), sum(6 &* i &+ 2), sum(6 &* i &+ 3), sum(6 &* i &+ 4),
          sum(6 &* i &+ 5)
        ))
      columns[3 &* i] = g.0
      columns[3 &* i &+ 1] = g.1
      columns[3 &* i &+ 2] = g.2
    }
    for x in 0..<3 {
      let g = SixPoints.weightsAdjoint(
        (
          columns[x], columns[x &+ 3], columns[x &+ 6], columns[x &+ 9], columns[x &+ 12],
          columns[x &+ 15]
        ))
      target.store8(target.load8(x &* plane) + g.0, x &* plane)
      target.store8(target.load8((x &+ 3) &* plane) + g.1, (x &+ 3) &* plane)
      target.store8(target.load8((x &+ 6) &* plane) + g.2, (x &+ 6) &* plane)
    }
  }

  @inline(__always)
  private static func stridedAdjoint(
    _ columns: UnsafeMutableBufferPointer<Float8>, _ target: UnsafeMutablePointer<Float>,
    _ plane: Int, _ sum: (Int) -> Float8
  ) {
    for i in 0..<9 {
      let first = 9 &* i
      let outer = FivePoints.weightsAdjoint(
        (sum(first), sum(first &+ 1), sum(first &+ 2), sum(first &+ 3), sum(first &+ 4)))
      columns[3 &* i] = outer.0
      columns[3 &* i &+ 1] = FivePoints.weightsAdjoint(
        (sum(first &+ 5), sum(first &+ 6), sum(first &+ 7), sum(first &+ 8)))
      columns[3 &* i &+ 2] = outer.1
    }
    for x in 0..<3 {
      let outer = FivePoints.weightsAdjoint(
        (columns[x], columns[x &+ 3], columns[x &+ 6], columns[x &+ 9], columns[x &+ 12]))
      let middle = FivePoints.weightsAdjoint(
        (columns[x &+ 15], columns[x &+ 18], columns[x &+ 21], columns[x &+ 24]))
      target.store8(target.load8(x &* plane) + outer.0, x &* plane)
      target.store8(target.load8((x &+ 3) &* plane) + middle, (x &+ 3) &* plane)
      target.store8(target.load8((x &+ 6) &* plane) + outer.1, (x &+ 6) &* plane)
    }
  }
}
