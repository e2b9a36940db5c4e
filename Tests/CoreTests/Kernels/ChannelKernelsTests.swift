import Core
import Distributed
import Testing

/// BatchNorm's passes against sums in double: groups of 16, 8 and 1 channels, and blocks of rows.
@Suite("ChannelKernels") struct ChannelKernelsTests {
  static let sizes = [(1, 16), (33, 25), (70, 64), (32, 32)]

  /// Random [rows, channels] matrices and vectors of [channels].
  struct Values {
    let rows, channels: Int
    let x, other, gradient, scale, shift, mean: FloatBuffer

    init(_ rows: Int, _ channels: Int) {
      (self.rows, self.channels) = (rows, channels)
      var stream = RandomStream(seed: UInt64(1000 * rows + channels), purpose: .test)
      func normal(_ count: Int) -> FloatBuffer {
        FloatBuffer((0..<count).map { _ in stream.nextNormal() })
      }
      (x, other, gradient) = (
        normal(rows * channels), normal(rows * channels), normal(rows * channels)
      )
      (scale, shift, mean) = (normal(channels), normal(channels), normal(channels))
    }

    var affine: ChannelAffine { ChannelAffine(scale: scale.pointer, shift: shift.pointer) }
    /// scale value + shift, rounded once.
    func mapped(_ values: FloatBuffer, _ index: Int) -> Float {
      let c = index % channels
      return shift.pointer[c].addingProduct(scale.pointer[c], values.pointer[index])
    }
  }

  enum Residual: CaseIterable { case none, itself, mapped }

  @Test(arguments: sizes, Residual.allCases)
  func normalizingEqualsItsFormula(_ size: (Int, Int), residual: Residual) {
    let v = Values(size.0, size.1)
    // A NaN must not pass for a zero: training stops at it.
    v.x.pointer[v.channels / 2] = .nan
    for relu in [false, true] {
      let y = FloatBuffer(count: v.x.count)
      ChannelKernels.normalize(
        v.x.pointer, v.affine,
        residual: residual == .none
          ? nil : .init(values: v.other.pointer, affine: residual == .mapped ? v.affine : nil),
        relu: relu, into: y.pointer, rows: 0..<v.rows, channels: v.channels)
      for index in 0..<y.count {
        var value = v.mapped(v.x, index)
        if residual == .itself { value += v.other.pointer[index] }
        if residual == .mapped { value += v.mapped(v.other, index) }
        let expected = relu && value < 0 ? 0 : value
        let found = y.pointer[index]
        #expect(found == expected || found.isNaN && expected.isNaN, "\(index)")
      }
    }
  }

  enum Mask: CaseIterable { case none, output, affine }

  @Test(arguments: sizes, Mask.allCases)
  func maskingKeepsAndSumsWhatTheReLUPasses(_ size: (Int, Int), mask: Mask) {
    let v = Values(size.0, size.1)
    let before = v.gradient.array
    var sums = [Double](repeating: 0, count: 2 * v.channels)
    let passes: ChannelKernels.Mask =
      switch mask {
      case .none: .none
      case .output: .output(v.other.pointer)
      case .affine: .affine(v.affine)
      }
    // In two parts, as they come from a convolution.
    sums.withUnsafeMutableBufferPointer { sums in
      guard let start = sums.baseAddress else { return }
      for rows in [0..<v.rows / 2, v.rows / 2..<v.rows] {
        ChannelKernels.maskAndSum(
          v.gradient.pointer, x: v.x.pointer, mean: v.mean.pointer, mask: passes, rows: rows,
          channels: v.channels, gradientSum: start, productSum: start + v.channels)
      }
    }
    var expected = [Double](repeating: 0, count: 2 * v.channels)
    for index in before.indices {
      let c = index % v.channels
      let isKept =
        switch mask {
        case .none: true
        case .output: v.other.pointer[index] > 0
        case .affine: v.mapped(v.x, index) > 0
        }
      let value = isKept ? before[index] : 0
      #expect(v.gradient.pointer[index] == value, "\(index)")
      expected[c] += Double(value)
      expected[v.channels + c] += Double(value) * Double(v.x.pointer[index] - v.mean.pointer[c])
    }
    for index in sums.indices {
      #expect(abs(sums[index] - expected[index]) < 1e-4, "\(index)")
    }
  }
}
