import Distributed

/// What a forward pass takes its statistics from, and whether a backward pass can follow it.
public enum PassMode: Sendable {
  /// It learns: batch statistics, which move the running ones; backward can follow.
  case training
  /// It only answers: running statistics, and nothing that backward needs is kept.
  case evaluating
  /// It answers as `evaluating` does and is then differentiated: backward takes the running
  /// statistics for constants.
  case differentiating
  /// The same, for a backward that reaches the images alone: what parameters' gradients and tangents
  /// need need not be kept.
  case differentiatingImages

  /// Whether backward can follow.
  var keepsActivations: Bool { self != .evaluating }
  /// Whether gradients of parameters, or tangents, can.
  var keepsNormalized: Bool { self == .training || self == .differentiating }
}

/// Batch normalisation over N, H, W, with the ReLU and the residual sum that follow it.
///
/// Training: xhat = (x - mean) / sqrt(variance + epsilon) with the batch's biased variance;
/// y = [relu](weight xhat + bias [+ residual]). Running statistics follow PyTorch:
/// running = (1 - momentum) running + momentum batch, with the unbiased variance. Other modes: running statistics
/// instead. With a BatchNorm group in the context, sums run over all its ranks (SyncBatchNorm).
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
  /// The bias of the convolution before it, [C], which that leaves to this layer; nil where it has
  /// none.
  ///
  /// A batch's mean takes it away again: it shows in the running mean alone, and where running
  /// statistics are used.
  public let inputBias: ParameterSlot?

  /// What is added to the variance, and the share of a batch in the running statistics.
  let epsilon, momentum: Double
  /// PyTorch's default.
  public static let usualMomentum = 0.1

  /// Registers weight, bias and running statistics of the module `name`.
  public init(
    _ name: String, channels: Int, inputBias: ParameterSlot? = nil, epsilon: Double = 1e-5,
    momentum: Double = usualMomentum, plan: inout ParameterLayoutPlan
  ) {
    (self.epsilon, self.momentum) = (epsilon, momentum)
    self.channels = channels
    self.inputBias = inputBias
    weight = plan.parameter("\(name).weight", shape: [channels], role: .normScale)
    bias = plan.parameter("\(name).bias", shape: [channels], role: .normShift)
    running = plan.batchNormBuffers(name, channels: channels)
  }

  /// y = [relu](normalised x [+ residual]); `y` may be `x` when evaluating.
  ///
  /// Returns the batch's statistics when training, else the running ones.
  public func forward(
    _ x: Tensor, into y: Tensor, residual: Tensor? = nil, relu: Bool, mode: PassMode,
    store: ParameterStore, context: ComputeContext
  ) -> Statistics {
    precondition(x.shape == y.shape && x.shape.channels == channels, "\(weight.name): \(x.shape)")
    let statistics = Statistics(channels: channels)
    begin(statistics, mode: mode, store: store, context: context)
    if mode == .training {
      context.forEachImage(x.shape) { add(x, pixels: $0, thread: $1, to: statistics) }
    }
    end(statistics, pixels: x.shape.pixels, store: store, context: context)
    context.pool.forEachShare(of: x.shape.pixels) { pixels, _ in
      normalize(
        x, into: y, residual: residual, relu: relu, statistics: statistics, pixels: pixels)
    }
    return statistics
  }

  /// Backward through ReLU (where `reluOutput` is given), residual sum and normalisation.
  ///
  /// `yGradient` is overwritten by the gradient before the ReLU, which is also the residual's
  /// gradient. The gradient of x is written into `xGradient`, or added there where `accumulate`
  /// holds.
  public func backward(
    _ yGradient: Tensor, x: Tensor, reluOutput: Tensor?, statistics: Statistics,
    xGradient: Tensor, accumulate: Bool = false, store: ParameterStore, context: ComputeContext
  ) {
    statistics.clearSums(context)
    let mask = reluOutput.map { ChannelKernels.Mask.output($0.pointer) } ?? .none
    context.forEachImage(x.shape) { pixels, thread in
      addGradient(yGradient, x: x, mask: mask, pixels: pixels, thread: thread, to: statistics)
    }
    endGradient(statistics, pass: GradientPass(store: store, context: context))
    context.pool.forEachShare(of: x.shape.pixels) { rows, _ in
      ChannelKernels.combine(
        statistics.gradient(yGradient, x: x), into: xGradient.pointer, rows: rows,
        channels: channels, accumulate: accumulate)
    }
  }
}

// MARK: Forward in parts, for layers that see pixels as soon as a convolution has written them

extension BatchNorm2D {
  /// Begins a batch's statistics; with any mode but `training` the running ones are taken, and
  /// `add` and `end` change nothing.
  ///
  /// Sums are those of x - pivot: the running mean lies near the batch's, so little cancels in the
  /// variance.
  func begin(
    _ statistics: Statistics, mode: PassMode, store: ParameterStore, context: ComputeContext
  ) {
    guard mode == .training else { return useRunning(statistics, store: store) }
    statistics.areFixed = false
    statistics.clearSums(context)
    statistics.mean.update(from: store.buffer(running.mean), count: channels)
    subtractInputBias(from: statistics.mean, store)
  }

  /// Running means are those of what the convolution would yield with its bias.
  private func subtractInputBias(from means: UnsafeMutablePointer<Float>, _ store: ParameterStore) {
    guard let inputBias else { return }
    let bias = store.value(inputBias)
    for c in 0..<channels { means[c] -= bias[c] }
  }

  /// Adds `pixels`, which lie in one image, to thread `thread`'s sums.
  func add(_ x: Tensor, pixels: Range<Int>, thread: Int, to statistics: Statistics) {
    if statistics.areFixed { return }
    statistics.withSums(thread) {
      ChannelKernels.shiftedSums(
        x.pointer, pivot: statistics.mean, rows: pixels, channels: channels, sum: $0,
        squareSum: $1)
    }
  }

  /// Ends the statistics of `pixels` pixels, which also move the running ones.
  func end(
    _ statistics: Statistics, pixels: Int, store: ParameterStore, context: ComputeContext
  ) {
    if statistics.areFixed { return }
    let count = max(statistics.addSums(pixels: pixels, over: context.statistics), 1)
    statistics.count = count
    let (mean, variance) = (store.buffer(running.mean), store.buffer(running.variance))
    let bias = inputBias.map { store.value($0) }
    for c in 0..<channels {
      let offset = statistics.totals[c] / count
      let batchMean = Double(statistics.mean[c]) + offset
      let batchVariance = max(statistics.totals[channels + c] / count - offset * offset, 0)
      statistics.mean[c] = Float(batchMean)
      statistics.inverseDeviation[c] = Float(1 / (batchVariance + epsilon).squareRoot())
      let unbiased = batchVariance * count / max(count - 1, 1)
      let shifted = bias.map { batchMean + Double($0[c]) } ?? batchMean
      mean[c] = Float((1 - momentum) * Double(mean[c]) + momentum * shifted)
      variance[c] = Float((1 - momentum) * Double(variance[c]) + momentum * unbiased)
    }
    store.batchesTracked[running.counter] += 1
    setAffine(statistics, store)
  }

  /// Takes the running statistics.
  func useRunning(_ statistics: Statistics, store: ParameterStore) {
    statistics.areFixed = true
    let (mean, variance) = (store.buffer(running.mean), store.buffer(running.variance))
    for c in 0..<channels {
      statistics.mean[c] = mean[c]
      statistics.inverseDeviation[c] = Float(
        1 / (Double(variance[c]) + epsilon).squareRoot())
    }
    subtractInputBias(from: statistics.mean, store)
    setAffine(statistics, store)
  }

  /// The finish of the convolution before, with the running statistics.
  func finish(
    _ statistics: Statistics, residual: Tensor? = nil, relu: Bool, store: ParameterStore
  ) -> ConvolutionFinish {
    useRunning(statistics, store: store)
    return ConvolutionFinish(affine: statistics.affine, residual: residual?.pointer, relu: relu)
  }

  private func setAffine(_ statistics: Statistics, _ store: ParameterStore) {
    let (gamma, beta, affine) = (store.value(weight), store.value(bias), statistics.affine)
    for c in 0..<channels {
      affine.scale[c] = gamma[c] * statistics.inverseDeviation[c]
      affine.shift[c] = beta[c] - statistics.mean[c] * affine.scale[c]
    }
  }

  /// y = [relu](normalised x [+ residual]) for `pixels`; a residual with statistics is normalised
  /// too.
  func normalize(
    _ x: Tensor, into y: Tensor, residual: Tensor? = nil, residualStatistics: Statistics? = nil,
    relu: Bool, statistics: Statistics, pixels: Range<Int>
  ) {
    ChannelKernels.normalize(
      x.pointer, statistics.affine,
      residual: residual.map { .init(values: $0.pointer, affine: residualStatistics?.affine) },
      relu: relu, into: y.pointer, rows: pixels, channels: channels)
  }
}

// MARK: Backward in parts

extension BatchNorm2D {
  /// Masks `pixels` of y's gradient, which lie in one image, and adds them to thread `thread`'s
  /// sums.
  func addGradient(
    _ yGradient: Tensor, x: Tensor, mask: ChannelKernels.Mask, pixels: Range<Int>, thread: Int,
    to statistics: Statistics
  ) {
    statistics.withSums(thread) {
      ChannelKernels.maskAndSum(
        yGradient.pointer, x: x.pointer, mean: statistics.mean, mask: mask, rows: pixels,
        channels: channels, gradientSum: $0, productSum: $1)
    }
  }

  /// Adds the gradients of weight and bias to the store, and makes the map to x's gradient.
  ///
  /// dx = a dy + b x + d per channel, from dx = gamma s (dy - sum(dy)/n - xhat sum(dy xhat)/n).
  /// The sums are there since the statistics depend on x; where they are fixed, dx = gamma s dy.
  ///
  /// Where ranks share the statistics they share the sums as well, and one adds what all would.
  func endGradient(_ statistics: Statistics, pass: GradientPass) {
    let group = statistics.areFixed ? nil : pass.context.statistics
    statistics.addSums(over: group)
    if group?.isFirstRank ?? true { addGradient(of: statistics, pass) }
    pass.finish(bias, weight)
    let gamma = pass.store.value(weight)
    let (a, b, d) = statistics.gradientCoefficients
    defer { addInputBiasGradient(statistics, pass) }
    if statistics.areFixed {
      for c in 0..<channels {
        (a[c], b[c], d[c]) = (gamma[c] * statistics.inverseDeviation[c], 0, 0)
      }
      return
    }
    for c in 0..<channels {
      let deviation = Double(statistics.inverseDeviation[c])
      let (sum, products) = (statistics.totals[c], statistics.totals[channels + c])
      let slope = -products * deviation * deviation / statistics.count
      let factor = Double(gamma[c]) * deviation
      a[c] = Float(factor)
      b[c] = Float(factor * slope)
      d[c] = Float(-factor * (sum / statistics.count + slope * Double(statistics.mean[c])))
    }
  }

  private func addGradient(of statistics: Statistics, _ pass: GradientPass) {
    pass.addNormalizationGradient(statistics.totals[..<channels], at: bias.offset)
    for c in 0..<channels {
      statistics.weightGradient[c] =
        statistics.totals[channels + c] * Double(statistics.inverseDeviation[c])
    }
    pass.addNormalizationGradient(statistics.weightGradient[...], at: weight.offset)
  }

  /// Zero where the batch's own mean takes the bias away, else a times the sum of y's gradients.
  private func addInputBiasGradient(_ statistics: Statistics, _ pass: GradientPass) {
    guard let inputBias else { return }
    if statistics.areFixed {
      let a = statistics.gradientCoefficients.a
      let sums = (0..<channels).map { Double(a[$0]) * statistics.totals[$0] }
      pass.addGradient(sums[...], at: inputBias.offset)
    }
    pass.finish(inputBias)
  }
}
