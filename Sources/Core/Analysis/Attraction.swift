import Distributed
import Foundation

/// The attractive forces of t-SNE: sums over the entries of P.
struct Attraction {
  /// Where each row of P begins, and the end of the last.
  let rowStarts: UnsafeBufferPointer<Int>
  /// The other point of each entry.
  let columns: UnsafeBufferPointer<Int32>
  /// p of each entry.
  let values: UnsafeMutablePointer<Float>
  /// The points' places, [n, 2].
  let positions: UnsafeMutablePointer<Float>

  /// Σ_j p_ij q_ij (y_i - y_j), with q = 1 / (1 + |y_i - y_j|²).
  @inline(__always)
  func force(on point: Int) -> SIMD2<Float> {
    let place = positions.load2(point)
    var (x, y) = (Float8.zero, Float8.zero)
    var entry = rowStarts[point]
    while entry < rowStarts[point + 1] {
      let (dx, dy) = differences(place, entry)
      let squared = (dx * dx).addingProduct(dy, dy)
      let weight = values.load8(entry) / (1 + squared)
      x = x.addingProduct(weight, dx)
      y = y.addingProduct(weight, dy)
      entry += 8
    }
    return SIMD2(x.sum(), y.sum())
  }

  /// Σ_j p_ij log(1 + |y_i - y_j|²): this point's part of -Σ p log q.
  func crossEntropy(of point: Int) -> Double {
    let place = positions.load2(point)
    var sum = 0.0
    for entry in rowStarts[point]..<rowStarts[point + 1] {
      let difference = place - positions.load2(Int(columns[entry]))
      let squared = (difference * difference).sum()
      sum += Double(values[entry]) * Foundation.log1p(Double(squared))
    }
    return sum
  }

  @inline(__always)
  private func differences(_ place: SIMD2<Float>, _ entry: Int) -> (Float8, Float8) {
    @inline(__always)
    func other(_ offset: Int) -> SIMD2<Float> { positions.load2(Int(columns[entry + offset])) }
    let first = SIMD4(lowHalf: other(0), highHalf: other(1))
    let second = SIMD4(lowHalf: other(2), highHalf: other(3))
    let third = SIMD4(lowHalf: other(4), highHalf: other(5))
    let fourth = SIMD4(lowHalf: other(6), highHalf: other(7))
    let all = SIMD16(
      lowHalf: SIMD8(lowHalf: first, highHalf: second),
      highHalf: SIMD8(lowHalf: third, highHalf: fourth))
    return (place.x - all.evenHalf, place.y - all.oddHalf)
  }
}
