/// The second factor of a product of patch matrices, [depth, columns]: the weights, or their transpose.
///
/// A row of such a product is an output pixel, and its bits must not depend on the rows beside it, or
/// threads and ranks that share a batch would show in the results. Our micro-kernel sums every row
/// alike; OpenBLAS's kernels for AVX2 round a row by its place among twelve.
struct PatchFactor {
  let matrix: MatrixView
  let depth, columns: Int
  /// [columns / 16][depth][16] for `PackedGEMM`; without them the product is OpenBLAS's.
  private(set) var panels: UnsafeMutablePointer<Float>?

  init(_ matrix: MatrixView, depth: Int, columns: Int) {
    (self.matrix, self.depth, self.columns) = (matrix, depth, columns)
  }

  /// Floats of memory that its panels take: none where the columns do not make whole ones.
  var panelFloats: Int { columns % PackedGEMM.panelWidth == 0 ? depth * columns : 0 }

  /// The same factor with its panels, if it has any, in `memory`.
  func packed(into memory: UnsafeMutablePointer<Float>, context: ComputeContext) -> PatchFactor {
    if panelFloats == 0 { return self }
    var result = self
    result.panels = memory
    let width = PackedGEMM.panelWidth
    let (row, column) = matrix.order == .asStored ? (matrix.stride, 1) : (1, matrix.stride)
    context.pool.forEachShare(of: columns / width) { share, _ in
      for panel in share {
        let source = matrix.pointer + panel * width * column
        let target = memory + panel * width * depth
        for d in 0..<depth {
          for lane in 0..<width { target[d &* width &+ lane] = source[d &* row &+ lane &* column] }
        }
      }
    }
    return result
  }

  /// result[rows, columns] = a[rows, depth] times the factor, plus the old result where `accumulate`
  /// holds; rows are pixels of whole images of `pixels`, or of a part of one.
  func multiply(
    _ a: MatrixView, into result: UnsafeMutablePointer<Float>, rows: Int, pixels: Int,
    accumulate: Bool = false
  ) {
    if let panels {
      return PackedGEMM.multiply(
        a.pointer, stride: a.stride, panels: panels, panelStride: depth * PackedGEMM.panelWidth,
        into: result, stride: columns, m: rows, n: columns, k: depth, accumulate: accumulate)
    }
    // Each image has a product of its own, so that its pixels always have the same places.
    for start in stride(from: 0, to: rows, by: pixels) {
      GEMM.multiply(
        MatrixView(pointer: a.pointer + start * a.stride, stride: a.stride), matrix,
        into: MatrixView(pointer: result + start * columns, stride: columns),
        m: min(pixels, rows - start), n: columns, k: depth, accumulate: accumulate)
    }
  }
}
