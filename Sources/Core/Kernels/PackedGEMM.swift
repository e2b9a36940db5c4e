/// Matrix products of our own for the small matrices of Winograd's transformed domain.
///
/// The second factor of `multiply` is packed once in panels of 16 columns, [n / 16][k][16], so that
/// the micro-kernel reads it straight through; nothing is packed per call. It computes 6 x 16
/// results in 12 registers. Where OpenBLAS is ahead is a matter of measurement: see
/// `ConvolutionAlgorithm`.
package enum PackedGEMM {
  /// Columns of a panel.
  package static let panelWidth = 16

  /// Depth of one pass: a panel's part of it, 16 KB, stays in the first-level cache.
  private static let depthPerPass = 256
  /// The same where both factors are read by rows, each of which takes cache lines of its own.
  private static let transposedDepthPerPass = 128

  /// result[m, n] = a[m, k] b[k, n], with b in panels `panelStride` floats apart; n is a multiple
  /// of 16.
  package static func multiply(
    _ a: UnsafeMutablePointer<Float>, stride aStride: Int, panels: UnsafeMutablePointer<Float>,
    panelStride: Int, into result: UnsafeMutablePointer<Float>, stride: Int, m: Int, n: Int, k: Int
  ) {
    for depth in Swift.stride(from: 0, to: k, by: depthPerPass) {
      let count = min(depthPerPass, k &- depth)
      for column in Swift.stride(from: 0, to: n, by: panelWidth) {
        let panel = panels + (column / panelWidth &* panelStride &+ depth &* panelWidth)
        forEachRowGroup(of: m) { row, height in
          let (source, target) = (a + (row &* aStride &+ depth), result + (row &* stride &+ column))
          kernel(
            height, source, rowStride: aStride, step: 1, panel, panelStride: panelWidth, target,
            stride: stride, k: count, accumulate: depth > 0)
        }
      }
    }
  }

  /// result[m, n] = (or +=) a[k, m] transposed, times b[k, n]; n is a multiple of 16.
  package static func multiplyTransposed(
    _ a: UnsafeMutablePointer<Float>, stride aStride: Int, _ b: UnsafeMutablePointer<Float>,
    stride bStride: Int, into result: UnsafeMutablePointer<Float>, stride: Int, m: Int, n: Int,
    k: Int, accumulate: Bool
  ) {
    for depth in Swift.stride(from: 0, to: k, by: transposedDepthPerPass) {
      let count = min(transposedDepthPerPass, k &- depth)
      for column in Swift.stride(from: 0, to: n, by: panelWidth) {
        let panel = b + (depth &* bStride &+ column)
        forEachRowGroup(of: m) { row, height in
          let (source, target) = (a + (depth &* aStride &+ row), result + (row &* stride &+ column))
          kernel(
            height, source, rowStride: 1, step: aStride, panel, panelStride: bStride, target,
            stride: stride, k: count, accumulate: accumulate || depth > 0)
        }
      }
    }
  }

  /// Covers `count` rows by groups of 6 and 4, with single rows only where these do not fit.
  @inline(__always)
  private static func forEachRowGroup(of count: Int, _ body: (_ row: Int, _ height: Int) -> Void) {
    let rest = count % 6
    let inFours = rest == 2 && count >= 8 ? 8 : rest
    let sixes = count &- inFours
    var row = 0
    while row < count {
      let height = row < sixes ? 6 : count &- row >= 4 ? 4 : 1
      body(row, height)
      row = row &+ height
    }
  }

  @inline(__always)
  private static func kernel(
    _ height: Int, _ a: UnsafeMutablePointer<Float>, rowStride: Int, step: Int,
    _ b: UnsafeMutablePointer<Float>, panelStride: Int, _ result: UnsafeMutablePointer<Float>,
    stride: Int, k: Int, accumulate: Bool
  ) {
    switch height {
    case 6:
      sixRows(
        a, rowStride: rowStride, step: step, b, panelStride: panelStride, result, stride: stride,
        k: k, accumulate: accumulate)
    case 4:
      fourRows(
        a, rowStride: rowStride, step: step, b, panelStride: panelStride, result, stride: stride,
        k: k, accumulate: accumulate)
    default:
      var sum = Row()
      for index in 0..<k {
        let panel = b + index &* panelStride
        sum.add(a[index &* step], panel.load8(), panel.load8(8))
      }
      sum.store(result, accumulate)
    }
  }

  /// One row of 16 results in two registers.
  private struct Row {
    var low = Float8.zero
    var high = Float8.zero

    @inline(__always)
    mutating func add(_ a: Float, _ low: Float8, _ high: Float8) {
      let factor = Float8(repeating: a)
      self.low = self.low.addingProduct(factor, low)
      self.high = self.high.addingProduct(factor, high)
    }

    @inline(__always)
    func store(_ target: UnsafeMutablePointer<Float>, _ accumulate: Bool) {
      target.store8(accumulate ? low + target.load8() : low)
      target.store8(accumulate ? high + target.load8(8) : high, 8)
    }
  }

  @inline(__always)
  private static func sixRows(
    _ a: UnsafeMutablePointer<Float>, rowStride: Int, step: Int, _ b: UnsafeMutablePointer<Float>,
    panelStride: Int, _ result: UnsafeMutablePointer<Float>, stride: Int, k: Int, accumulate: Bool
  ) {
    var (r0, r1, r2, r3, r4, r5) = (Row(), Row(), Row(), Row(), Row(), Row())
    var (first, second, panel) = (a, a + 3 &* rowStride, b)
    let twoRows = 2 &* rowStride
    for _ in 0..<k {
      let (low, high) = (panel.load8(), panel.load8(8))
      r0.add(first[0], low, high)
      r1.add(first[rowStride], low, high)
      r2.add(first[twoRows], low, high)
      r3.add(second[0], low, high)
      r4.add(second[rowStride], low, high)
      r5.add(second[twoRows], low, high)
      first += step
      second += step
      panel += panelStride
    }
    r0.store(result, accumulate)
    r1.store(result + stride, accumulate)
    r2.store(result + 2 &* stride, accumulate)
    r3.store(result + 3 &* stride, accumulate)
    r4.store(result + 4 &* stride, accumulate)
    r5.store(result + 5 &* stride, accumulate)
  }

  @inline(__always)
  private static func fourRows(
    _ a: UnsafeMutablePointer<Float>, rowStride: Int, step: Int, _ b: UnsafeMutablePointer<Float>,
    panelStride: Int, _ result: UnsafeMutablePointer<Float>, stride: Int, k: Int, accumulate: Bool
  ) {
    var (r0, r1, r2, r3) = (Row(), Row(), Row(), Row())
    var (first, panel) = (a, b)
    let (twoRows, threeRows) = (2 &* rowStride, 3 &* rowStride)
    for _ in 0..<k {
      let (low, high) = (panel.load8(), panel.load8(8))
      r0.add(first[0], low, high)
      r1.add(first[rowStride], low, high)
      r2.add(first[twoRows], low, high)
      r3.add(first[threeRows], low, high)
      first += step
      panel += panelStride
    }
    r0.store(result, accumulate)
    r1.store(result + stride, accumulate)
    r2.store(result + 2 &* stride, accumulate)
    r3.store(result + 3 &* stride, accumulate)
  }
}
