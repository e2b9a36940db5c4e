/// The products of one plane in the transformed domain, in the precision of the call.
///
/// Factors are written as floats; `pack…` then makes of them, in their place, what `multiply…` reads,
/// which in float32 they are already. A factor that is packed cannot be read as floats any more.
struct WinogradProducts {
  /// The variant of the 16-bit products; nil is float32.
  private let fixedPoint: FixedPointGEMM.Variant?

  init(_ precision: ProductPrecision) {
    switch precision {
    case .float32: fixedPoint = nil
    case .int16(let variant): fixedPoint = variant
    }
  }

  /// Whether a factor must be packed before it is read.
  var packs: Bool { fixedPoint != nil }

  /// Floats that hold the packed columns of [tiles, columns], with rows `stride` floats apart.
  func columnFloats(tiles: Int, stride: Int) -> Int {
    packs ? FixedPointGEMM.packedRows(tiles) * stride : 0
  }

  /// Packs values[tiles, depth] as the first factor of `multiply`.
  func packRows(_ values: UnsafeMutablePointer<Float>, stride: Int, tiles: Int, depth: Int) {
    guard let fixedPoint else { return }
    FixedPointGEMM.packRows(values, stride: stride, rows: tiles, depth: depth, variant: fixedPoint)
  }

  /// Packs a panel [depth, 16] of the second factor of `multiply`.
  func packPanel(_ panel: UnsafeMutablePointer<Float>, depth: Int) {
    packColumns(panel, stride: PackedGEMM.panelWidth, depth: depth, columns: PackedGEMM.panelWidth)
  }

  /// Packs values[depth, columns] as a factor of `multiplyTransposed`.
  func packColumns(
    _ values: UnsafeMutablePointer<Float>, stride: Int, depth: Int, columns: Int,
    into target: UnsafeMutablePointer<Float>? = nil
  ) {
    guard let fixedPoint else { return }
    FixedPointGEMM.packColumns(
      values, stride: stride, depth: depth, columns: columns, into: target ?? values,
      targetStride: stride, variant: fixedPoint)
  }

  /// `PackedGEMM.multiply` of packed factors.
  func multiply(
    _ a: UnsafeMutablePointer<Float>, stride aStride: Int, panels: UnsafeMutablePointer<Float>,
    panelStride: Int, into result: UnsafeMutablePointer<Float>, stride: Int, m: Int, n: Int, k: Int
  ) {
    if let fixedPoint {
      FixedPointGEMM.multiply(
        a, stride: aStride, panels: panels, panelStride: panelStride, into: result,
        stride: stride, m: m, n: n, k: k, variant: fixedPoint)
    } else {
      PackedGEMM.multiply(
        a, stride: aStride, panels: panels, panelStride: panelStride, into: result,
        stride: stride, m: m, n: n, k: k)
    }
  }

  /// `PackedGEMM.multiplyTransposed` of packed factors.
  func multiplyTransposed(
    _ a: UnsafeMutablePointer<Float>, stride aStride: Int, _ b: UnsafeMutablePointer<Float>,
    stride bStride: Int, into result: UnsafeMutablePointer<Float>, stride: Int, m: Int, n: Int,
    k: Int, accumulate: Bool
  ) {
    if let fixedPoint {
      FixedPointGEMM.multiplyTransposed(
        a, stride: aStride, b, stride: bStride, into: result, stride: stride, m: m, n: n, k: k,
        accumulate: accumulate, variant: fixedPoint)
    } else {
      PackedGEMM.multiplyTransposed(
        a, stride: aStride, b, stride: bStride, into: result, stride: stride, m: m, n: n, k: k,
        accumulate: accumulate)
    }
  }
}
