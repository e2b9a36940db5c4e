import Distributed

/// Whether a pass learns (batch statistics, caches kept) or only answers (running statistics).
public enum PassMode: Sendable {
  case training, evaluating
}

/// Batch normalisation over N, H, W, with the ReLU and the residual sum that follow it.
///
/// Training: xhat = (x - mean) / sqrt(variance + 1e-5) with the batch's biased variance;
/// y = [relu](weight xhat + bias [+ residual]). Running statistics follow PyTorch:
/// running = 0.9 running + 0.1 batch, with the unbiased variance. Evaluating: running statistics instead.
/// With a BatchNorm group in the context, sums run over all its ranks (SyncBatchNorm).
/// Shapes: x, y, residual [N, H, W, C]; weight, bias, statistics [C].
public struct BatchNorm2D: Sendable {
  /// The scale's place in the parameters.
  public let weight: ParameterSlot
  /// The shift's place in the parameters.
  public let bias: ParameterSlot
  /// The running statistics' places.
  public let running: BatchNormBuffers
  /// C.
  public let channels: Int
  /// Position of this layer's batch statistics in `BatchStatistics`.
  let index: Int

  static let epsilon = 1e-5
  static let momentum = 0.1

  /// Registers weight, bias and running statistics of the module `name`.
  public init(_ name: String, channels: Int, plan: inout ParameterLayoutPlan) {
    self.channels = channels
    weight = plan.parameter("\(name).weight", shape: [channels])
    bias = plan.parameter("\(name).bias", shape: [channels])
    running = plan.batchNormBuffers(name, channels: channels)
    index = running.counter
  }

  /// What backward needs of forward: the mean and 1/sqrt(variance + epsilon) of the batch, [C] each.
  public struct Statistics: Sendable {
    var mean: [Float] = []
    var inverseDeviation: [Float] = []
    var count = 0
  }

  /// y = [relu](normalised x [+ residual]); `x` and `y` may be the same memory only when evaluating.
  ///
  /// Returns the batch's statistics when training, the running ones when evaluating.
  public func forward(
    _ x: Tensor, into y: Tensor, residual: Tensor? = nil, relu: Bool, mode: PassMode,
    store: ParameterStore, context: ComputeContext
  ) -> Statistics {
    precondition(x.shape == y.shape && x.shape.channels == channels, "\(weight.name): \(x.shape)")
    let statistics =
      mode == .training
      ? batchStatistics(x, store: store, context: context) : runningStatistics(store)
    var scale = [Float](repeating: 0, count: channels)
    var shift = scale
    let (gamma, beta) = (store.value(weight), store.value(bias))
    for c in 0..<channels {
      scale[c] = gamma[c] * statistics.inverseDeviation[c]
      shift[c] = beta[c] - statistics.mean[c] * scale[c]
    }
    context.pool.forEachShare(of: x.shape.pixels) { rows, _ in
      ChannelKernels.scaleShift(
        x.pointer, scale: scale, shift: shift, residual: residual?.pointer, relu: relu,
        into: y.pointer, rows: rows, channels: channels)
    }
    return statistics
  }

  /// Backward through ReLU (where `reluOutput` is given), residual sum and normalisation.
  ///
  /// `yGradient` is overwritten by the gradient before the ReLU, which is also the residual's gradient.
  /// The gradient of x is written into `xGradient`, or added there where `accumulate` holds.
  public func backward(
    _ yGradient: Tensor, x: Tensor, reluOutput: Tensor?, statistics: Statistics,
    xGradient: Tensor, accumulate: Bool = false, store: ParameterStore, context: ComputeContext
  ) {
    var sums = parallelSums(x.shape, context: context) { rows, gradientSum, productSum in
      ChannelKernels.maskAndSum(
        yGradient.pointer, x: x.pointer, mean: statistics.mean, reluOutput: reluOutput?.pointer,
        rows: rows, channels: channels, gradientSum: gradientSum, productSum: productSum)
    }
    store.addGradient(sums[..<channels], at: bias.offset)
    let weightSums = (0..<channels).map {
      sums[channels + $0] * Double(statistics.inverseDeviation[$0])
    }
    store.addGradient(weightSums[...], at: weight.offset)
    context.sumOverBatchNormGroup(&sums)
    // dx = a dy + b x + d per channel, from dx = gamma s (dy - sum(dy)/n - xhat sum(dy xhat)/n).
    let gamma = store.value(weight)
    let count = Double(statistics.count)
    var (a, b, d) = (statistics.mean, statistics.mean, statistics.mean)
    for c in 0..<channels {
      let deviation = Double(statistics.inverseDeviation[c])
      let slope = -sums[channels + c] * deviation * deviation / count
      let factor = Double(gamma[c]) * deviation
      a[c] = Float(factor)
      b[c] = Float(factor * slope)
      d[c] = Float(-factor * (sums[c] / count + slope * Double(statistics.mean[c])))
    }
    context.pool.forEachShare(of: x.shape.pixels) { rows, _ in
      ChannelKernels.combine(
        yGradient.pointer, x: x.pointer, a: a, b: b, d: d, into: xGradient.pointer, rows: rows,
        channels: channels, accumulate: accumulate)
    }
  }

  /// The batch's statistics, which also move the running ones.
  private func batchStatistics(
    _ x: Tensor, store: ParameterStore, context: ComputeContext
  ) -> Statistics {
    // Sums of (x - pivot): the running mean lies near the batch's, so little cancels in the variance.
    let pivot = Array(UnsafeBufferPointer(start: store.buffer(running.mean), count: channels))
    var sums = parallelSums(x.shape, context: context) { rows, sum, squareSum in
      ChannelKernels.shiftedSums(
        x.pointer, pivot: pivot, rows: rows, channels: channels, sum: sum, squareSum: squareSum)
    }
    sums.append(Double(x.shape.pixels))
    context.sumOverBatchNormGroup(&sums)
    let count = max(sums[2 * channels], 1)
    var statistics = Statistics(mean: pivot, inverseDeviation: pivot, count: Int(count))
    let (mean, variance) = (store.buffer(running.mean), store.buffer(running.variance))
    for c in 0..<channels {
      let offset = sums[c] / count
      let batchMean = Double(pivot[c]) + offset
      let batchVariance = max(sums[channels + c] / count - offset * offset, 0)
      statistics.mean[c] = Float(batchMean)
      statistics.inverseDeviation[c] = Float(1 / (batchVariance + Self.epsilon).squareRoot())
      let unbiased = batchVariance * count / max(count - 1, 1)
      mean[c] = Float((1 - Self.momentum) * Double(mean[c]) + Self.momentum * batchMean)
      variance[c] = Float((1 - Self.momentum) * Double(variance[c]) + Self.momentum * unbiased)
    }
    store.batchesTracked[running.counter] += 1
    return statistics
  }

  private func runningStatistics(_ store: ParameterStore) -> Statistics {
    let (mean, variance) = (store.buffer(running.mean), store.buffer(running.variance))
    return Statistics(
      mean: Array(UnsafeBufferPointer(start: mean, count: channels)),
      inverseDeviation: (0..<channels).map {
        Float(1 / (Double(variance[$0]) + Self.epsilon).squareRoot())
      })
  }

  /// Two sums per channel over all pixels, [2C]: one image at a time, the images' sums in double.
  private func parallelSums(
    _ shape: Shape, context: ComputeContext,
    _ body: (Range<Int>, UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>) -> Void
  ) -> [Double] {
    let width = 2 * channels
    var partial = [Double](repeating: 0, count: context.threads * width)
    partial.withUnsafeMutableBufferPointer { partial in
      guard let start = partial.baseAddress else { return }
      let pixels = shape.height * shape.width
      context.pool.forEachShare(of: shape.batch) { images, thread in
        let sums = start + thread * width
        for image in images {
          body(image * pixels..<(image + 1) * pixels, sums, sums + channels)
        }
      }
    }
    var total = Array(partial[..<width])
    for thread in 1..<max(context.threads, 1) {
      for index in 0..<width { total[index] += partial[thread * width + index] }
    }
    return total
  }
}
