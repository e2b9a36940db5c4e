import Core
import Distributed
import Testing

/// The micro-kernel: right at every remainder of rows and depth, and the same bits in every variant.
@Suite("PackedGEMM") struct PackedGEMMTests {
  typealias Variant = PackedGEMM.Variant

  static let depths = [1, 7, 256, 300]
  static let panels = 1...5
  static let rows = 1...30

  /// Random matrices, padded by floats that nothing may read or write.
  struct Matrices {
    static let padding = 5
    let m, n, k: Int
    /// [m, k] and [k, n].
    let a, b: [Float]
    let start: [Float]

    init(m: Int, n: Int, k: Int) {
      (self.m, self.n, self.k) = (m, n, k)
      var stream = RandomStream(seed: UInt64(m * 10_000 + n * 100 + k), purpose: .test)
      func normal(_ count: Int) -> [Float] { (0..<count).map { _ in stream.nextNormal() } }
      (a, b, start) = (normal(m * k), normal(k * n), normal(m * n))
    }

    /// `rows` of `columns` values, NaN between them.
    static func padded(_ rows: Int, _ columns: Int, _ value: (Int, Int) -> Float) -> FloatBuffer {
      FloatBuffer(
        (0..<rows).flatMap { row in
          (0..<columns).map { value(row, $0) } + [Float](repeating: .nan, count: padding)
        })
    }

    /// a b by `multiply`, with b packed in panels.
    func product(_ variant: Variant, accumulate: Bool) -> FloatBuffer {
      let width = PackedGEMM.panelWidth
      let panels = Self.padded(n / width, k * width) { panel, index in
        b[index / width * n + panel * width + index % width]
      }
      let result = Self.padded(m, n) { accumulate ? start[$0 * n + $1] : .nan }
      let values = Self.padded(m, k) { a[$0 * k + $1] }
      return withExtendedLifetime((values, panels)) {
        PackedGEMM.multiply(
          values.pointer, stride: k + Self.padding, panels: panels.pointer,
          panelStride: k * width + Self.padding, into: result.pointer, stride: n + Self.padding,
          m: m, n: n, k: k, accumulate: accumulate, variant: variant)
        return result
      }
    }

    /// a b by `multiplyTransposed`, with a stored as [k, m].
    func transposedProduct(_ variant: Variant, accumulate: Bool) -> FloatBuffer {
      let result = Self.padded(m, n) { accumulate ? start[$0 * n + $1] : .nan }
      let first = Self.padded(k, m) { a[$1 * k + $0] }
      let second = Self.padded(k, n) { b[$0 * n + $1] }
      return withExtendedLifetime((first, second)) {
        PackedGEMM.multiplyTransposed(
          first.pointer, stride: m + Self.padding, second.pointer, stride: n + Self.padding,
          into: result.pointer, stride: n + Self.padding, m: m, n: n, k: k,
          accumulate: accumulate, variant: variant)
        return result
      }
    }

    /// Double-precision sums, and those of the absolute values: what rounding errors grow with.
    func reference(accumulate: Bool) -> (sums: [Double], sizes: [Double]) {
      var sums = accumulate ? start.map(Double.init) : [Double](repeating: 0, count: m * n)
      var sizes = sums.map(abs)
      for row in 0..<m {
        for depth in 0..<k {
          let factor = Double(a[row * k + depth])
          for column in 0..<n {
            let term = factor * Double(b[depth * n + column])
            sums[row * n + column] += term
            sizes[row * n + column] += abs(term)
          }
        }
      }
      return (sums, sizes)
    }

    /// The largest error, relative to the sum of absolute terms; NaN's place is checked.
    func error(_ result: FloatBuffer, accumulate: Bool) -> Double {
      let expected = reference(accumulate: accumulate)
      var largest = 0.0
      for (index, value) in result.array.enumerated() {
        let (row, column) = index.quotientAndRemainder(dividingBy: n + Self.padding)
        if column >= n {
          if !value.isNaN { return .infinity }
          continue
        }
        let place = row * n + column
        let error = abs(Double(value) - expected.sums[place]) / expected.sizes[place]
        if !(error <= largest) { largest = error.isNaN ? .infinity : error }
      }
      return largest
    }
  }

  @Test(arguments: depths, panels) func productsAreThoseInDoublePrecision(k: Int, panels: Int) {
    for m in Self.rows {
      let matrices = Matrices(m: m, n: panels * PackedGEMM.panelWidth, k: k)
      for accumulate in [false, true] {
        let result = matrices.product(.baseline, accumulate: accumulate)
        #expect(matrices.error(result, accumulate: accumulate) < 1e-6, "\(m) rows, \(accumulate)")
      }
    }
  }

  @Test(arguments: depths, panels)
  func transposedProductsAreThoseInDoublePrecision(k: Int, panels: Int) {
    for m in Self.rows {
      let matrices = Matrices(m: m, n: panels * PackedGEMM.panelWidth, k: k)
      for accumulate in [false, true] {
        let result = matrices.transposedProduct(.baseline, accumulate: accumulate)
        #expect(matrices.error(result, accumulate: accumulate) < 1e-6, "\(m) rows, \(accumulate)")
      }
    }
  }

  @Test(arguments: Variant.allCases) func everyVariantGivesTheSameBits(_ variant: Variant) throws {
    guard variant.isSupported else {
      print("PackedGEMMTests: skipped \(variant.rawValue), which this processor does not have")
      return
    }
    for (k, panels) in Self.depths.flatMap({ k in Self.panels.map { (k, $0) } }) {
      for m in Self.rows {
        let matrices = Matrices(m: m, n: panels * PackedGEMM.panelWidth, k: k)
        let place: Comment = "\(m) rows, \(panels) panels, depth \(k)"
        for accumulate in [false, true] {
          expectSameBits(
            matrices.product(variant, accumulate: accumulate),
            matrices.product(.baseline, accumulate: accumulate), place)
          expectSameBits(
            matrices.transposedProduct(variant, accumulate: accumulate),
            matrices.transposedProduct(.baseline, accumulate: accumulate), place)
        }
      }
    }
  }

  @Test func theChosenVariantIsSupported() {
    #expect(Variant.baseline.isSupported)
    #expect(Variant.best.isSupported)
  }

  private func expectSameBits(_ a: FloatBuffer, _ b: FloatBuffer, _ place: Comment) {
    let isSame = a.array.map(\.bitPattern) == b.array.map(\.bitPattern)
    #expect(isSame, place)
  }
}
