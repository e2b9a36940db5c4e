import KernelShim

/// Matrix products of our own: small ones of Winograd's transformed domain, and those of patches.
///
/// The second factor of `multiply` is packed once in panels of 16 columns, [n / 16][k][16], so that
/// the micro-kernel reads it straight through; nothing is packed per call. It holds 12 rows of two
/// panels (AVX-512) or 6 rows of one in registers. Where OpenBLAS is ahead is a matter of
/// measurement: see `ConvolutionAlgorithm`.
package enum PackedGEMM {
  /// Columns of a panel.
  package static let panelWidth = Int(FST_KERNEL_PANEL)

  /// The micro-kernel's variants: they differ in speed, never in a bit of the result.
  package enum Variant: String, CaseIterable, Sendable {
    /// AVX2 and FMA, or NEON: what the program is compiled for.
    case baseline
    /// 512-bit vectors.
    case avx512

    /// Whether this processor can run it.
    package var isSupported: Bool { fst_kernel_is_supported(code) }

    /// The fastest that this processor can run.
    package static let best = allCases.last { $0.isSupported } ?? .baseline

    var code: fst_kernel_variant {
      switch self {
      case .baseline: FST_KERNEL_BASELINE
      case .avx512: FST_KERNEL_AVX512
      }
    }
  }

  /// Depth of one pass: a panel's part of it, 16 KB, or with AVX-512 two panels', stays in the
  /// first-level cache.
  private static let depthPerPass = 256
  /// The same where both factors are read by rows, each of which takes cache lines of its own.
  private static let transposedDepthPerPass = 128

  /// result[m, n] = (or +=) a[m, k] b[k, n], with b in panels `panelStride` floats apart; n is a
  /// multiple of 16.
  package static func multiply(
    _ a: UnsafeMutablePointer<Float>, stride aStride: Int, panels: UnsafeMutablePointer<Float>,
    panelStride: Int, into result: UnsafeMutablePointer<Float>, stride: Int, m: Int, n: Int,
    k: Int, accumulate: Bool = false, variant: Variant = .best
  ) {
    var product = fst_kernel_product(
      a: a, a_row: aStride, a_depth: 1, b: panels, b_panel: panelStride, b_depth: panelWidth,
      c: result, c_row: stride, rows: m, panels: n / panelWidth, depth: 0, accumulate: accumulate)
    inPasses(k, depthPerPass, &product, variant)
  }

  /// result[m, n] = (or +=) a[k, m] transposed, times b[k, n]; n is a multiple of 16.
  package static func multiplyTransposed(
    _ a: UnsafeMutablePointer<Float>, stride aStride: Int, _ b: UnsafeMutablePointer<Float>,
    stride bStride: Int, into result: UnsafeMutablePointer<Float>, stride: Int, m: Int, n: Int,
    k: Int, accumulate: Bool, variant: Variant = .best
  ) {
    var product = fst_kernel_product(
      a: a, a_row: 1, a_depth: aStride, b: b, b_panel: panelWidth, b_depth: bStride, c: result,
      c_row: stride, rows: m, panels: n / panelWidth, depth: 0, accumulate: accumulate)
    inPasses(k, transposedDepthPerPass, &product, variant)
  }

  /// The product's whole depth `k`, at most `depth` of it at a time.
  private static func inPasses(
    _ k: Int, _ depth: Int, _ product: inout fst_kernel_product, _ variant: Variant
  ) {
    for start in Swift.stride(from: 0, to: k, by: depth) {
      product.depth = min(depth, k - start)
      fst_kernel_multiply(variant.code, &product)
      product.a += depth * product.a_depth
      product.b += depth * product.b_depth
      product.accumulate = true
    }
  }

  /// Floating-point operations per second that `variant` reaches at most on one core.
  ///
  /// `seconds` gives the processor time spent so far; about a tenth of a second is spent.
  package static func measuredPeak(_ variant: Variant = .best, seconds: () -> Double) -> Double {
    var best = 0.0
    for _ in 0..<5 {
      let start = seconds()
      let operations = fst_kernel_peak(variant.code, 5_000_000)
      best = max(best, operations / (seconds() - start))
    }
    return best
  }
}
