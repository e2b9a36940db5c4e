import Distributed

extension BatchNorm2D {
  /// One layer's statistics of the last forward, the coefficients that follow from them, and each
  /// thread's part of the sums that they are computed from; it owns that memory.
  ///
  /// `@unchecked`: threads only write their own sums; all else is written between parallel passes.
  public final class Statistics: @unchecked Sendable {
    let channels: Int
    /// Whether they are the running ones, which do not depend on the batch.
    var areFixed = false
    /// Pixels behind the statistics, over all ranks that share them.
    var count = 1.0
    private let coefficients: FloatBuffer
    private var parts = UnsafeMutableBufferPointer<Double>(start: nil, count: 0)
    /// Two sums per channel, then room for one number: [2C + 1].
    var totals: [Double]
    /// The gradient of BatchNorm's weight: [C].
    var weightGradient: [Double]

    /// Room for `channels` channels.
    init(channels: Int) {
      self.channels = channels
      coefficients = FloatBuffer(count: 7 * channels)
      totals = Array(repeating: 0, count: 2 * channels + 1)
      weightGradient = Array(repeating: 0, count: channels)
    }

    deinit { parts.deallocate() }

    /// The batch's mean: [C].
    var mean: UnsafeMutablePointer<Float> { coefficients.pointer }
    /// 1 / sqrt(variance + epsilon): [C].
    var inverseDeviation: UnsafeMutablePointer<Float> { coefficients.pointer + channels }
    /// Forward's map y = scale x + shift: [C] each.
    var affine: ChannelAffine {
      .init(
        scale: coefficients.pointer + 2 * channels, shift: coefficients.pointer + 3 * channels)
    }

    /// Backward's map from y's gradient to x's, dx = a dy + b x + d.
    ///
    /// Where the statistics are fixed b is 0, and x need not hold anything: y's gradient, which is
    /// read anyway, stands in for it.
    func gradient(_ yGradient: Tensor, x: Tensor) -> ConvolutionOutputGradient {
      let (a, b, d) = gradientCoefficients
      return ConvolutionOutputGradient(
        yGradient.pointer,
        normalization: .init(x: areFixed ? yGradient.pointer : x.pointer, a: a, b: b, d: d))
    }

    /// Its coefficients: [C] each.
    var gradientCoefficients:
      (
        a: UnsafeMutablePointer<Float>, b: UnsafeMutablePointer<Float>,
        d: UnsafeMutablePointer<Float>
      )
    {
      let first = coefficients.pointer + 4 * channels
      return (first, first + channels, first + 2 * channels)
    }

    /// Sets every thread's sums to zero.
    func clearSums(threads: Int) {
      let count = threads * 2 * channels
      if parts.count != count {
        parts.deallocate()
        parts = .allocate(capacity: count)
      }
      parts.initialize(repeating: 0)
    }

    /// Thread `thread`'s two sums: [C] each.
    func sums(
      _ thread: Int
    ) -> (first: UnsafeMutablePointer<Double>, second: UnsafeMutablePointer<Double>)? {
      parts.baseAddress.map { ($0 + thread * 2 * channels, $0 + (2 * thread + 1) * channels) }
    }

    /// Adds the threads' sums in thread order, for `totals`.
    func addSums() {
      for index in 0..<2 * channels {
        totals[index] = 0
        for part in stride(from: index, to: parts.count, by: 2 * channels) {
          totals[index] += parts[part]
        }
      }
    }
  }
}
