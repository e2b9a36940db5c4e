import COpenBLAS

/// Whether a matrix enters a product as stored or transposed.
enum MatrixOrder {
  case asStored, transposed

  fileprivate var cblas: CBLAS_TRANSPOSE { self == .asStored ? CblasNoTrans : CblasTrans }
}

/// A row-major matrix in memory: rows lie `stride` floats apart.
struct MatrixView {
  var pointer: UnsafeMutablePointer<Float>
  var stride: Int
  var order = MatrixOrder.asStored
}

/// Single-precision matrix products: the one call to `cblas_sgemm`.
enum GEMM {
  /// Keeps OpenBLAS to one thread per call: the thread pool above it splits the work.
  private static let prepare: Void = openblas_set_num_threads(1)

  /// result[m, n] = a[m, k] b[k, n], plus the old result where `accumulate` holds.
  static func multiply(
    _ a: MatrixView, _ b: MatrixView, into result: MatrixView, m: Int, n: Int, k: Int,
    accumulate: Bool = false
  ) {
    _ = prepare
    cblas_sgemm(
      CblasRowMajor, a.order.cblas, b.order.cblas, blasint(m), blasint(n), blasint(k), 1,
      a.pointer, blasint(a.stride), b.pointer, blasint(b.stride), accumulate ? 1 : 0,
      result.pointer, blasint(result.stride))
  }
}
