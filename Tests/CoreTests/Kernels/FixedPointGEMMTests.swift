import Core
import Distributed
import Testing

/// Products of 16-bit integers: near those in double precision at every remainder, exact sums, and
/// the same bits in every variant.
@Suite("FixedPointGEMM") struct FixedPointGEMMTests {
  typealias Variant = FixedPointGEMM.Variant

  static let rows = Array(1...14) + [24, 25, 29]
  static let depths = [16, 48, 256, 272, 528]
  static let tiles = [1, 2, 7, 24, 128, 256, 257, 300]

  /// Random matrices, and NaN where nothing may be read or written.
  struct Matrices {
    let m, n, k: Int
    /// [m, k] and [k, n].
    var a, b: [Float]
    let start: [Float]

    init(m: Int, n: Int, k: Int) {
      (self.m, self.n, self.k) = (m, n, k)
      var stream = RandomStream(seed: UInt64(m * 10_000 + n * 100 + k), purpose: .test)
      func normal(_ count: Int) -> [Float] { (0..<count).map { _ in stream.nextNormal() } }
      (a, b, start) = (normal(m * k), normal(k * n), normal(m * n))
    }

    private static let padding = 16

    /// [rows, columns] with NaN after each row and, as packed factors of a few rows need, below.
    private static func padded(
      _ rows: Int, _ columns: Int, _ value: (Int, Int) -> Float
    ) -> FloatBuffer {
      let stride = columns + padding
      var values = [Float](repeating: .nan, count: (rows + 2) * stride)
      for row in 0..<rows {
        for column in 0..<columns { values[row * stride + column] = value(row, column) }
      }
      return FloatBuffer(values)
    }

    private func result(_ buffer: FloatBuffer) -> [Float] {
      let all = buffer.array
      return (0..<m).flatMap { row in
        let first = row * (n + Self.padding)
        let isKept = all[first + n..<first + n + Self.padding].allSatisfy { $0.isNaN }
        #expect(isKept)
        return Array(all[first..<first + n])
      }
    }

    func product(_ variant: Variant, accumulate: Bool) -> [Float] {
      let width = PackedGEMM.panelWidth
      let target = Self.padded(m, n) { accumulate ? start[$0 * n + $1] : .nan }
      let values = Self.padded(m, k) { a[$0 * k + $1] }
      let panels = Self.padded(n / width, (k + 1) * width) { panel, index in
        index < k * width ? b[index / width * n + panel * width + index % width] : .nan
      }
      let panelStride = (k + 1) * width + Self.padding
      FixedPointGEMM.packRows(
        values.pointer, stride: k + Self.padding, rows: m, depth: k, variant: variant)
      for panel in 0..<n / width {
        let place = panels.pointer + panel * panelStride
        FixedPointGEMM.packColumns(
          place, stride: width, depth: k, columns: width, into: place, targetStride: width,
          variant: variant)
      }
      FixedPointGEMM.multiply(
        values.pointer, stride: k + Self.padding, panels: panels.pointer, panelStride: panelStride,
        into: target.pointer, stride: n + Self.padding, m: m, n: n, k: k, accumulate: accumulate,
        variant: variant)
      return withExtendedLifetime((values, panels)) { result(target) }
    }

    func transposedProduct(_ variant: Variant, accumulate: Bool) -> [Float] {
      let target = Self.padded(m, n) { accumulate ? start[$0 * n + $1] : .nan }
      let first = Self.padded(k, m) { a[$1 * k + $0] }
      let second = Self.padded(k, n) { b[$0 * n + $1] }
      let apart = Self.padded(FixedPointGEMM.packedRows(k), n) { _, _ in .nan }
      let (firstStride, stride) = (m + Self.padding, n + Self.padding)
      FixedPointGEMM.packColumns(
        first.pointer, stride: firstStride, depth: k, columns: m, into: first.pointer,
        targetStride: firstStride, variant: variant)
      FixedPointGEMM.packColumns(
        second.pointer, stride: stride, depth: k, columns: n, into: apart.pointer,
        targetStride: stride, variant: variant)
      FixedPointGEMM.multiplyTransposed(
        first.pointer, stride: firstStride, apart.pointer, stride: stride, into: target.pointer,
        stride: stride, m: m, n: n, k: k, accumulate: accumulate, variant: variant)
      return withExtendedLifetime((first, second, apart)) { result(target) }
    }

    /// In double precision.
    func reference(accumulate: Bool) -> [Double] {
      var sums = accumulate ? start.map(Double.init) : [Double](repeating: 0, count: m * n)
      for row in 0..<m {
        for depth in 0..<k {
          let factor = Double(a[row * k + depth])
          for column in 0..<n { sums[row * n + column] += factor * Double(b[depth * n + column]) }
        }
      }
      return sums
    }
  }

  @Test(arguments: depths) func productsAreNearThoseInDoublePrecision(k: Int) {
    for m in Self.rows {
      let matrices = Matrices(m: m, n: m % 2 == 0 ? 48 : 32, k: k)
      for accumulate in [false, true] {
        let error = euclideanError(
          matrices.product(.plain, accumulate: accumulate),
          matrices.reference(accumulate: accumulate))
        #expect(error < 2e-4, "\(m) rows, \(accumulate)")
      }
    }
  }

  @Test(arguments: tiles) func transposedProductsAreNearThoseInDoublePrecision(k: Int) {
    for m in [16, 48, 80] {
      let matrices = Matrices(m: m, n: 32, k: k)
      for accumulate in [false, true] {
        let error = euclideanError(
          matrices.transposedProduct(.plain, accumulate: accumulate),
          matrices.reference(accumulate: accumulate))
        #expect(error < 2e-4, "\(m) rows, \(accumulate)")
      }
    }
  }

  @Test(arguments: Variant.allCases) func everyVariantGivesTheSameBits(_ variant: Variant) {
    guard variant.isSupported else {
      print("FixedPointGEMMTests: skipped \(variant.rawValue), which this processor does not have")
      return
    }
    for k in Self.depths {
      for m in Self.rows {
        let matrices = Matrices(m: m, n: m % 2 == 0 ? 48 : 32, k: k)
        for accumulate in [false, true] {
          expectSameBits(
            matrices.product(variant, accumulate: accumulate),
            matrices.product(.plain, accumulate: accumulate), "\(m) rows, depth \(k)")
        }
      }
    }
    for k in Self.tiles {
      for m in [16, 48, 80] {
        let matrices = Matrices(m: m, n: 48, k: k)
        for accumulate in [false, true] {
          expectSameBits(
            matrices.transposedProduct(variant, accumulate: accumulate),
            matrices.transposedProduct(.plain, accumulate: accumulate), "\(m) rows, \(k) tiles")
        }
      }
    }
  }

  /// Values of one sign and size: their norm's bound is what keeps 32-bit sums from overflowing.
  @Test(arguments: [1e-30, 1e-22, 1e-10, 1, 1e10, 1e18] as [Float], [16, 256, 272])
  func equalSignsAtTheBoundDoNotOverflow(size: Float, k: Int) {
    for variant in Variant.allCases where variant.isSupported {
      var matrices = Matrices(m: 13, n: 32, k: k)
      matrices.a = matrices.a.indices.map { ($0 / k) % 2 == 0 ? size : -size }
      matrices.b = matrices.b.map { _ in 1 }
      let expected = matrices.reference(accumulate: false)
      #expect(euclideanError(matrices.product(variant, accumulate: false), expected) < 2e-4)
      if k == 272 { continue }
      var transposed = Matrices(m: 16, n: 32, k: k)
      transposed.a = transposed.a.map { _ in size }
      transposed.b = transposed.b.map { _ in -1 }
      #expect(
        euclideanError(
          transposed.transposedProduct(variant, accumulate: false),
          transposed.reference(accumulate: false)) < 2e-4)
    }
  }

  /// The largest integers that packing makes, row for row, against exact 64-bit sums.
  @Test(arguments: [2, 16, 64, 250, 256]) func packedIntegersStayWithinTheProvedBounds(k: Int) {
    var stream = RandomStream(seed: UInt64(k), purpose: .test)
    let columns = 16
    let values = (0..<k * columns).map { index -> Float in
      // From equal values to one alone.
      let share = Float(index % columns) / Float(columns - 1)
      return index / columns == 0 ? 1 : (1 - share) * (stream.nextFloat() < 0.5 ? 1 : 0.9)
    }
    let packed = FloatBuffer(values + [Float](repeating: 0, count: 2 * columns))
    FixedPointGEMM.packColumns(
      packed.pointer, stride: columns, depth: k, columns: columns, into: packed.pointer,
      targetStride: columns, variant: .plain)
    let pairs = packed.array[..<(k / 2 * columns)].map { Int32(bitPattern: $0.bitPattern) }
    for column in 0..<columns {
      let integers = (0..<k / 2).flatMap { row -> [Int64] in
        let pair = pairs[row * columns + column]
        return [Int64(Int16(truncatingIfNeeded: pair)), Int64(pair >> 16)]
      }
      let largest = integers.map { abs($0) }.max() ?? 0
      #expect(largest <= 32767)
      let square = integers.reduce(0) { $0 + $1 * $1 }
      #expect(square < 1 << 31)
      // One of the two bounds is reached: no precision is given away.
      #expect(largest == 32767 || Double(square).squareRoot() > 46_300)
      let unit = packed.array[k / 2 * columns + column]
      for row in 0..<k {
        #expect(abs(Float(integers[row]) * unit - values[row * columns + column]) <= unit * 0.5001)
      }
    }
  }

  @Test func whatIsNoNumberStaysSo() {
    for bad in [Float.nan, .infinity, -.infinity] {
      for variant in Variant.allCases where variant.isSupported {
        var matrices = Matrices(m: 9, n: 32, k: 272)
        matrices.a[3 * 272 + 5] = bad
        let result = matrices.product(variant, accumulate: false)
        for (index, value) in result.enumerated() {
          #expect(value.isFinite == (index / 32 != 3))
        }
      }
    }
  }

  private func expectSameBits(_ a: [Float], _ b: [Float], _ place: Comment) {
    let isSame = a.map(\.bitPattern) == b.map(\.bitPattern)
    #expect(isSame, place)
  }
}
