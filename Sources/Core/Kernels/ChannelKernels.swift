/// Passes over [rows, channels] memory whose coefficients differ by channel: the inner loops of BatchNorm.
///
/// Sums run in float over `rowsPerSum` rows and in double beyond, so their error does not grow with N.
enum ChannelKernels {
  typealias Floats = UnsafeMutablePointer<Float>
  typealias Doubles = UnsafeMutablePointer<Double>

  private static let rowsPerSum = 64

  /// y = [max 0](x scale + shift [+ residual]).
  static func scaleShift(
    _ x: Floats, scale: [Float], shift: [Float], residual: Floats?, relu: Bool, into y: Floats,
    rows: Range<Int>, channels: Int
  ) {
    let floor: Float = relu ? 0 : -.infinity
    scale.withUnsafeBufferPointer { scale in
      shift.withUnsafeBufferPointer { shift in
        for row in rows {
          let (source, target) = (x + row &* channels, y + row &* channels)
          if let residual = residual.map({ $0 + row &* channels }) {
            for c in 0..<channels {
              let value = source[c] * scale[c] + shift[c] + residual[c]
              target[c] = value > floor ? value : floor
            }
          } else {
            for c in 0..<channels {
              let value = source[c] * scale[c] + shift[c]
              target[c] = value > floor ? value : floor
            }
          }
        }
      }
    }
  }

  /// sum += Σ (x - pivot), squareSum += Σ (x - pivot)², per channel.
  static func shiftedSums(
    _ x: Floats, pivot: [Float], rows: Range<Int>, channels: Int, sum: Doubles, squareSum: Doubles
  ) {
    pivot.withUnsafeBufferPointer { pivot in
      sumInBlocks(rows, channels: channels, sum, squareSum) { row, first, second in
        let source = x + row &* channels
        for c in 0..<channels {
          let value = source[c] - pivot[c]
          first[c] += value
          second[c] += value * value
        }
      }
    }
  }

  /// gradient = gradient where `reluOutput` > 0, else 0; gradientSum += Σ gradient,
  /// productSum += Σ gradient (x - mean), per channel.
  static func maskAndSum(
    _ gradient: Floats, x: Floats, mean: [Float], reluOutput: Floats?, rows: Range<Int>,
    channels: Int, gradientSum: Doubles, productSum: Doubles
  ) {
    mean.withUnsafeBufferPointer { mean in
      sumInBlocks(rows, channels: channels, gradientSum, productSum) { row, first, second in
        let (gradient, source) = (gradient + row &* channels, x + row &* channels)
        if let output = reluOutput.map({ $0 + row &* channels }) {
          for c in 0..<channels { gradient[c] = output[c] > 0 ? gradient[c] : 0 }
        }
        for c in 0..<channels {
          first[c] += gradient[c]
          second[c] += gradient[c] * (source[c] - mean[c])
        }
      }
    }
  }

  /// result = a gradient + b x + d, per channel, plus the old result where `accumulate` holds.
  static func combine(
    _ gradient: Floats, x: Floats, a: [Float], b: [Float], d: [Float], into result: Floats,
    rows: Range<Int>, channels: Int, accumulate: Bool
  ) {
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        d.withUnsafeBufferPointer { d in
          for row in rows {
            let gradient = gradient + row &* channels
            let (source, target) = (x + row &* channels, result + row &* channels)
            if accumulate {
              for c in 0..<channels { target[c] += a[c] * gradient[c] + (b[c] * source[c] + d[c]) }
            } else {
              for c in 0..<channels { target[c] = a[c] * gradient[c] + (b[c] * source[c] + d[c]) }
            }
          }
        }
      }
    }
  }

  /// Runs `body` over `rows` with two float accumulators that are emptied into the doubles in time.
  @inline(__always)
  private static func sumInBlocks(
    _ rows: Range<Int>, channels: Int, _ first: Doubles, _ second: Doubles,
    _ body: (_ row: Int, _ first: Floats, _ second: Floats) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * channels) { accumulators in
      guard let a = accumulators.baseAddress else { return }
      let b = a + channels
      for start in stride(from: rows.lowerBound, to: rows.upperBound, by: rowsPerSum) {
        accumulators.initialize(repeating: 0)
        for row in start..<min(start + rowsPerSum, rows.upperBound) { body(row, a, b) }
        for c in 0..<channels {
          first[c] += Double(a[c])
          second[c] += Double(b[c])
        }
      }
    }
  }
}
