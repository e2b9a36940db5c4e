import Distributed
import Foundation

/// The joint probabilities P of t-SNE, sparse and symmetric, by rows.
///
/// p_ij = (p_j|i + p_i|j) / 2n over nearest neighbours; Σ p_ij = 1. Each row is padded to a
/// multiple of eight entries by p = 0 at its own point, so that kernels know no remainder.
package struct Affinities: Sendable {
  /// n, the points.
  package let count: Int
  /// Where each row begins, and the end of the last; [n + 1].
  package let rowStarts: [Int]
  /// The other point of each entry, ascending within a row.
  package let columns: [Int32]
  /// p of each entry.
  package let values: FloatBuffer
  /// Σ p log p.
  package let negativeEntropy: Double

  /// Affinities from each point's conditional ones, whose rows have sum 1.
  ///
  /// - Parameters:
  ///   - indices: the neighbours of each point, [n, k].
  ///   - conditional: p_j|i of each neighbour, [n, k].
  package init(count: Int, neighbours: Int, indices: [Int32], conditional: [Float]) {
    self.count = count
    let own = SparseRows(count: count, neighbours: neighbours, indices, conditional)
    let other = own.transposed()
    var starts = [0]
    var columns: [Int32] = []
    var entries: [Float] = []
    columns.reserveCapacity(3 * indices.count / 2)
    entries.reserveCapacity(3 * indices.count / 2)
    let scale = Float(1 / (2 * Double(count)))
    var sum = 0.0
    for row in 0..<count {
      own.merge(row, with: other) { column, value in
        columns.append(column)
        entries.append(value * scale)
        if value * scale > 0 {
          sum += Double(value * scale) * Foundation.log(Double(value * scale))
        }
      }
      while columns.count % 8 != 0 {
        columns.append(Int32(row))
        entries.append(0)
      }
      starts.append(columns.count)
    }
    rowStarts = starts
    self.columns = columns
    values = FloatBuffer(entries)
    negativeEntropy = sum
  }

  /// The affinities of `points`, whose numbers are finite, at `perplexity`.
  package init(_ points: FeatureMatrix, perplexity: Double, context: ComputeContext) {
    let nearest = NearestNeighbours.find(
      points, count: min(points.rows - 1, Int(3 * perplexity + 1)), context: context)
    self.init(nearest, perplexity: perplexity, context: context)
  }

  init(_ nearest: NearestNeighbours, perplexity: Double, context: ComputeContext) {
    let k = nearest.count
    let rows = nearest.indices.count / k
    var conditional = [Float](repeating: 0, count: rows * k)
    conditional.withUnsafeMutableBufferPointer { conditional in
      nearest.squaredDistances.withUnsafeBufferPointer { distances in
        context.pool.forEachChunk(of: rows, size: 64) { chunk, _ in
          withUnsafeTemporaryAllocation(of: Double.self, capacity: k) { weights in
            weights.initialize(repeating: 0)
            for row in chunk {
              Perplexity.weights(
                UnsafeBufferPointer(rebasing: distances[row * k..<(row + 1) * k]),
                perplexity: perplexity, into: weights)
              for place in 0..<k { conditional[row * k + place] = Float(weights[place]) }
            }
          }
        }
      }
    }
    self.init(count: rows, neighbours: k, indices: nearest.indices, conditional: conditional)
  }
}

/// Rows of (column, value), each ascending by column.
private struct SparseRows {
  var starts: [Int]
  var columns: [Int32]
  var values: [Float]

  init(count: Int, neighbours k: Int, _ indices: [Int32], _ conditional: [Float]) {
    starts = (0...count).map { $0 * k }
    columns = indices
    values = conditional
    for row in 0..<count {
      let order = (row * k..<(row + 1) * k).sorted { indices[$0] < indices[$1] }
      for (place, source) in order.enumerated() {
        columns[row * k + place] = indices[source]
        values[row * k + place] = conditional[source]
      }
    }
  }

  private init(starts: [Int], count: Int) {
    self.starts = starts
    columns = [Int32](repeating: 0, count: count)
    values = [Float](repeating: 0, count: count)
  }

  /// Columns become rows; ascending, since rows are taken in order.
  func transposed() -> SparseRows {
    var starts = [Int](repeating: 0, count: self.starts.count)
    for column in columns { starts[Int(column) + 1] += 1 }
    for row in 1..<starts.count { starts[row] += starts[row - 1] }
    var result = SparseRows(starts: starts, count: columns.count)
    for row in 0..<starts.count - 1 {
      for entry in self.starts[row]..<self.starts[row + 1] {
        let place = starts[Int(columns[entry])]
        starts[Int(columns[entry])] += 1
        result.columns[place] = Int32(row)
        result.values[place] = values[entry]
      }
    }
    return result
  }

  /// Calls `body(column, sum)` for each column that row `row` has here or in `other`, ascending.
  func merge(_ row: Int, with other: SparseRows, _ body: (Int32, Float) -> Void) {
    var (a, b) = (starts[row], other.starts[row])
    let (aEnd, bEnd) = (starts[row + 1], other.starts[row + 1])
    while a < aEnd || b < bEnd {
      let column = min(a < aEnd ? columns[a] : .max, b < bEnd ? other.columns[b] : .max)
      var value: Float = 0
      if a < aEnd, columns[a] == column {
        value += values[a]
        a += 1
      }
      if b < bEnd, other.columns[b] == column {
        value += other.values[b]
        b += 1
      }
      body(column, value)
    }
  }
}
