/// The second factor of a product of patch matrices, [depth, columns]: the weights, or their transpose.
///
/// A row of such a product is an output pixel, and its bits must not depend on the rows beside it, or
/// threads and ranks that share a batch would show in the results. Our micro-kernel sums every row
/// alike; OpenBLAS's kernels for AVX2 round a row by its place among twelve.
enum PatchFactor {
  /// Columns in whole panels, packed for `PackedGEMM`.
  case panels(UnsafeMutablePointer<Float>)
  /// Other numbers of columns, for OpenBLAS.
  case matrix(MatrixView)

  /// Whether a factor of so many columns is packed.
  static func isPacked(columns: Int) -> Bool { columns % PackedGEMM.panelWidth == 0 }

  /// Floats of memory that packing takes.
  static func packedFloats(depth: Int, columns: Int) -> Int {
    isPacked(columns: columns) ? depth * columns : 0
  }

  /// Writes `matrix` to `panels`: [columns / 16][depth][16].
  static func pack(
    _ matrix: MatrixView, depth: Int, columns: Int, into panels: UnsafeMutablePointer<Float>,
    context: ComputeContext
  ) {
    let width = PackedGEMM.panelWidth
    let (row, column) = matrix.order == .asStored ? (matrix.stride, 1) : (1, matrix.stride)
    context.pool.forEachShare(of: columns / width) { share, _ in
      for panel in share {
        let source = matrix.pointer + panel * width * column
        let target = panels + panel * width * depth
        for d in 0..<depth {
          for lane in 0..<width { target[d &* width &+ lane] = source[d &* row &+ lane &* column] }
        }
      }
    }
  }

  /// result[rows, columns] = a[rows, depth] times the factor, plus the old result where `accumulate`
  /// holds; rows are pixels of whole images of `pixels`, or of a part of one.
  func multiply(
    _ a: MatrixView, into result: UnsafeMutablePointer<Float>, rows: Int, pixels: Int,
    columns: Int, depth: Int, accumulate: Bool = false
  ) {
    switch self {
    case .panels(let panels):
      PackedGEMM.multiply(
        a.pointer, stride: a.stride, panels: panels, panelStride: depth * PackedGEMM.panelWidth,
        into: result, stride: columns, m: rows, n: columns, k: depth, accumulate: accumulate)
    case .matrix(let matrix):
      // Each image has a product of its own, so that its pixels always have the same places.
      for start in stride(from: 0, to: rows, by: pixels) {
        GEMM.multiply(
          MatrixView(pointer: a.pointer + start * a.stride, stride: a.stride), matrix,
          into: MatrixView(pointer: result + start * columns, stride: columns),
          m: min(pixels, rows - start), n: columns, k: depth, accumulate: accumulate)
      }
    }
  }
}
