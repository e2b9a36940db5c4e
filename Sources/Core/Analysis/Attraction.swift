import KernelShim

/// The attractive forces of t-SNE: sums over the entries of P.
struct Attraction {
  /// Where each row of P begins, and the end of the last.
  let rowStarts: UnsafeBufferPointer<Int>
  /// The other point of each entry.
  let columns: UnsafePointer<Int32>
  /// p of each entry.
  let values: UnsafeMutablePointer<Float>
  /// The points' places, [n, 2].
  let positions: UnsafeMutablePointer<Float>

  /// Writes Σ_j p_ij q_ij (y_i - y_j) to `target`, with q = 1 / (1 + |y_i - y_j|²).
  @inline(__always)
  func force(on point: Int, into target: UnsafeMutablePointer<Float>) {
    fst_embedding_attraction(
      positions, positions + 2 * point, columns, values, rowStarts[point], rowStarts[point + 1],
      target)
  }

  /// Σ_j p_ij log(1 + |y_i - y_j|²): this point's part of -Σ p log q.
  func crossEntropy(of point: Int) -> Double {
    Double(
      fst_embedding_cross_entropy(
        positions, positions + 2 * point, columns, values, rowStarts[point], rowStarts[point + 1]))
  }
}
