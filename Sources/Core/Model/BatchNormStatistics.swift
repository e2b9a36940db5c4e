import Distributed

extension BatchNorm2D {
  /// One layer's statistics of the last forward, the coefficients that follow from them, and each
  /// thread's part of the sums that they are computed from; it owns that memory.
  ///
  /// Where ranks share the statistics the sums are binned, so that neither ranks nor threads show.
  /// (Where the statistics are fixed, in no training, each rank's gradients are rounded to double
  /// before they are added.)
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
    /// Whether each thread's sums are binned: what it adds, [2C], then the bins, [bins, 2C].
    private var areBinned = false
    /// Two sums per channel: [2C].
    private(set) var totals: [Double]
    /// The gradient of BatchNorm's weight: [C].
    var weightGradient: [Double]

    /// Room for `channels` channels.
    init(channels: Int) {
      self.channels = channels
      coefficients = FloatBuffer(count: 7 * channels)
      totals = Array(repeating: 0, count: 2 * channels)
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

    private var partSize: Int { 2 * channels * (areBinned ? 1 + BinnedSum.bins : 1) }

    /// Sets every thread's sums to zero.
    func clearSums(_ context: ComputeContext) {
      areBinned = context.sharesStatistics
      let count = context.threads * partSize
      if parts.count != count {
        parts.deallocate()
        parts = .allocate(capacity: count)
      }
      parts.initialize(repeating: 0)
    }

    /// Runs `add`, which adds pixels of one image to thread `thread`'s two sums, [C] each.
    ///
    /// Which pixels come together may depend on the image's size, not on the batch.
    func withSums(
      _ thread: Int,
      _ add: (_ first: UnsafeMutablePointer<Double>, _ second: UnsafeMutablePointer<Double>) -> Void
    ) {
      guard let sums = parts.baseAddress.map({ $0 + thread * partSize }) else { return }
      add(sums, sums + channels)
      if areBinned { BinnedSum.move(sums, count: 2 * channels, into: sums + 2 * channels) }
    }

    /// Adds the threads' sums of `pixels` pixels, and those of `group`'s ranks, for `totals`; the
    /// pixels of all of them.
    @discardableResult
    func addSums(pixels: Int = 0, over group: StatisticsGroup? = nil) -> Double {
      let first = areBinned ? 2 * channels : 0
      var sums = Array(repeating: 0.0, count: partSize - first)
      for part in stride(from: first, to: parts.count, by: partSize) {
        for index in sums.indices { sums[index] += parts[part + index] }
      }
      sums.append(Double(pixels))
      group?.sum(&sums)
      for index in totals.indices {
        totals[index] =
          areBinned ? BinnedSum.total(sums, index, of: totals.count) : sums[index]
      }
      return sums[sums.count - 1]
    }
  }
}
