import Distributed
import Foundation

/// Squared distances from blocks of points to all points, by matrix products.
///
/// |a - b|² = |a|² + |b|² - 2 a b; points are taken from their mean and scaled by a power of two
/// first, which changes no order of distances and keeps rounding small. Blocks of rows are the same
/// for any number of threads, and a row's products do not depend on its block, so neither do bits.
struct DistanceBlocks {
  /// n.
  let rows: Int
  /// d.
  let columns: Int
  /// n rounded up to whole panels: the floats of one point's keys.
  let paddedRows: Int
  /// The points from their mean, scaled, [n, d].
  let points: FeatureMatrix
  /// |b|² of each point, infinite for those of the padding; [paddedRows].
  let squaredNorms: FloatBuffer
  private let panels: FloatBuffer

  /// Points of a block: a multiple of the micro-kernel's rows.
  private static let blockRows = 96

  /// Prepares `matrix`, whose numbers are finite.
  init(_ matrix: FeatureMatrix, context: ComputeContext) {
    (rows, columns) = (matrix.rows, matrix.columns)
    let panel = PackedGEMM.panelWidth
    paddedRows = (rows + panel - 1) / panel * panel
    points = Self.centred(matrix)
    squaredNorms = FloatBuffer(count: paddedRows)
    panels = FloatBuffer(count: paddedRows * columns)
    squaredNorms.pointer.update(repeating: .infinity, count: paddedRows)
    context.pool.forEachChunk(of: rows, size: Self.blockRows) { [self] chunk, _ in
      for row in chunk { pack(row) }
    }
  }

  private func pack(_ row: Int) {
    let source = points.row(row)
    let panel = PackedGEMM.panelWidth
    let target = panels.pointer + row / panel * panel * columns + row % panel
    var sum = 0.0
    for column in 0..<columns {
      target[column * panel] = source[column]
      sum += Double(source[column]) * Double(source[column])
    }
    squaredNorms.pointer[row] = Float(sum)
  }

  /// The points less their mean, times a power of two that brings the largest number near 1.
  static func centred(_ matrix: FeatureMatrix) -> FeatureMatrix {
    let (rows, columns) = (matrix.rows, matrix.columns)
    let result = FeatureMatrix(rows: rows, columns: columns)
    var means = [Double](repeating: 0, count: columns)
    for row in 0..<rows {
      let source = matrix.row(row)
      for column in 0..<columns { means[column] += Double(source[column]) }
    }
    for column in 0..<columns { means[column] /= Double(rows) }
    var largest = 0.0
    for row in 0..<rows {
      let source = matrix.row(row)
      for column in 0..<columns {
        largest = max(largest, abs(Double(source[column]) - means[column]))
      }
    }
    let scale = largest > 0 ? scalbn(1.0, -Int(largest.exponent)) : 1
    for row in 0..<rows {
      let (source, target) = (matrix.row(row), result.row(row))
      for column in 0..<columns {
        target[column] = Float((Double(source[column]) - means[column]) * scale)
      }
    }
    return result
  }

  /// Calls `body(row, keys)` once for each point, on any thread, with keys[j] = |b|² - 2 a b: the
  /// squared distance to point j less |a|², and infinity in the padding.
  func forEachRow(
    context: ComputeContext, _ body: (Int, UnsafeMutablePointer<Float>) -> Void
  ) {
    let memory = (0..<context.threads).map { _ in
      FloatBuffer(count: Self.blockRows * paddedRows)
    }
    context.pool.forEachChunk(of: rows, size: Self.blockRows) { block, thread in
      let products = memory[thread].pointer
      PackedGEMM.multiply(
        points.row(block.lowerBound), stride: columns, panels: panels.pointer,
        panelStride: PackedGEMM.panelWidth * columns, into: products, stride: paddedRows,
        m: block.count, n: paddedRows, k: columns)
      for (place, row) in block.enumerated() {
        let keys = products + place * paddedRows
        forEachEight(of: paddedRows) { index in
          keys.store8((-2 * keys.load8(index)) + squaredNorms.pointer.load8(index), index)
        }
        body(row, keys)
      }
    }
  }

  /// |a - b|² of two points, from their differences: nothing cancels.
  func squaredDistance(_ a: Int, _ b: Int) -> Float {
    let (first, second) = (points.row(a), points.row(b))
    var (even, odd) = (Float8.zero, Float8.zero)
    var index = 0
    while index + 16 <= columns {
      let difference = first.load8(index) - second.load8(index)
      let next = first.load8(index + 8) - second.load8(index + 8)
      even = even.addingProduct(difference, difference)
      odd = odd.addingProduct(next, next)
      index += 16
    }
    var sum = (even + odd).sum()
    while index < columns {
      let difference = first[index] - second[index]
      sum += difference * difference
      index += 1
    }
    return sum
  }
}
