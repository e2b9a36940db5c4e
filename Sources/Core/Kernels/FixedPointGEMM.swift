import KernelShim

/// Matrix products of 16-bit integers with exact 32-bit sums: `PackedGEMM`'s in half the time, where
/// the processor multiplies pairs.
///
/// A factor lies where its floats lay, with the same strides: `packRows` and `packColumns` write it,
/// `multiply` and `multiplyTransposed` read it. Each row of the first factor and each column of the
/// second has a unit of its own for every 256 values of the depth, the smallest with which nothing
/// saturates and no sum overflows; see Note [No sum overflows] in KernelShim. What a row becomes
/// depends on that row alone.
package enum FixedPointGEMM {
  /// The kernels' variants: they differ in speed, never in a bit of the result.
  package enum Variant: String, CaseIterable, Sendable {
    /// Plain C.
    case plain
    /// Multiplies pairs and adds them in two instructions of 256 bits.
    case avx2
    /// The same in one instruction of 512 bits: AVX512-VNNI.
    case vnni

    /// Whether this processor can run it.
    package var isSupported: Bool { fst_int16_is_supported(code) }

    /// The fastest that this processor can run.
    package static let best = allCases.last { $0.isSupported } ?? .plain

    var code: fst_int16_variant {
      switch self {
      case .plain: FST_INT16_PLAIN
      case .avx2: FST_INT16_AVX2
      case .vnni: FST_INT16_VNNI
      }
    }
  }

  /// Values of the depth that have a unit in common.
  package static let pass = Int(FST_INT16_PASS)

  /// Rows that `depth` rows of floats become: pairs, and the units of each pass.
  package static func packedRows(_ depth: Int) -> Int { fst_int16_elements(depth) }

  /// Makes a first factor of the rows of a[rows, depth], in place; depth is a multiple of 16.
  package static func packRows(
    _ a: UnsafeMutablePointer<Float>, stride: Int, rows: Int, depth: Int, variant: Variant
  ) {
    fst_int16_pack_rows(variant.code, a, stride, rows, depth)
  }

  /// Makes a factor of the columns of a[depth, columns], at `target` with rows `targetStride` floats
  /// apart, or in place; columns are a multiple of 16.
  package static func packColumns(
    _ a: UnsafeMutablePointer<Float>, stride: Int, depth: Int, columns: Int,
    into target: UnsafeMutablePointer<Float>, targetStride: Int, variant: Variant
  ) {
    var matrix = fst_int16_columns(
      source: a, source_row: stride, target: target, target_row: targetStride, rows: depth,
      columns: columns)
    fst_int16_pack_columns(variant.code, &matrix)
  }

  /// result[m, n] = (or +=) a[m, k] b[k, n]; a by `packRows`, each panel of b by `packColumns`.
  package static func multiply(
    _ a: UnsafeMutablePointer<Float>, stride aStride: Int, panels: UnsafeMutablePointer<Float>,
    panelStride: Int, into result: UnsafeMutablePointer<Float>, stride: Int, m: Int, n: Int,
    k: Int, accumulate: Bool = false, variant: Variant
  ) {
    var product = fst_kernel_product(
      a: a, a_row: aStride, a_depth: 1, b: panels, b_panel: panelStride,
      b_depth: PackedGEMM.panelWidth, c: result, c_row: stride, rows: m,
      panels: n / PackedGEMM.panelWidth, depth: 0, accumulate: accumulate)
    inPasses(k, &product, variant)
  }

  /// result[m, n] = (or +=) a[k, m] transposed, times b[k, n]; both by `packColumns`.
  package static func multiplyTransposed(
    _ a: UnsafeMutablePointer<Float>, stride aStride: Int, _ b: UnsafeMutablePointer<Float>,
    stride bStride: Int, into result: UnsafeMutablePointer<Float>, stride: Int, m: Int, n: Int,
    k: Int, accumulate: Bool, variant: Variant
  ) {
    var product = fst_kernel_product(
      a: a, a_row: 1, a_depth: aStride, b: b, b_panel: PackedGEMM.panelWidth, b_depth: bStride,
      c: result, c_row: stride, rows: m, panels: n / PackedGEMM.panelWidth, depth: 0,
      accumulate: accumulate)
    inPasses(k, &product, variant)
  }

  private static func inPasses(
    _ k: Int, _ product: inout fst_kernel_product, _ variant: Variant
  ) {
    for start in Swift.stride(from: 0, to: k, by: pass) {
      product.depth = (min(pass, k - start) + 1) / 2
      fst_int16_multiply(variant.code, &product)
      product.a += (product.depth + 1) * product.a_depth
      product.b += (product.depth + 1) * product.b_depth
      product.accumulate = true
    }
  }
}
