import Distributed

/// A block whose tangent can be taken: it is linear but for its ReLUs, which stay as the last forward,
/// in the mode `differentiating`, has left them.
///
/// Note [Tangents]: between the kinks of its ReLUs a network that answers by running statistics is
/// linear in its images. Its tangent along t is a pass without shifts and biases through the same
/// masks. <g, tangent> has by a layer's weight the gradient that backward would give it for g at the
/// logits, with tangents in the place of activations; shifts and biases have none.
protocol LinearizedBlock: Block {
  /// What the output moves by where the input `x` of the last forward moves by `t`; what backward
  /// needs of it is kept.
  func tangent(_ t: Tensor, x: Tensor, pass: GradientPass) -> Tensor

  /// Adds the parameters' gradients of <`gradient`, the last tangent>; yields that by `t`.
  func tangentBackward(_ gradient: Tensor, x: Tensor, pass: GradientPass) -> Tensor
}

/// The tangent of BatchNorm with running statistics: scale t, per channel.
///
/// It owns room for the sums of its weight's gradient.
final class TangentNormalization {
  private let bn: BatchNorm2D
  /// The layer's own, of the last forward.
  private let statistics: BatchNorm2D.Statistics
  /// Means of zero, which are zero shifts too, and sums.
  private let sums: BatchNorm2D.Statistics

  init(_ bn: BatchNorm2D, _ statistics: BatchNorm2D.Statistics) {
    (self.bn, self.statistics) = (bn, statistics)
    sums = BatchNorm2D.Statistics(channels: bn.channels)
  }

  /// scale `t`.
  func scaled(_ t: Tensor, context: ComputeContext) -> Tensor {
    let result = Tensor(t.shape)
    let map = ChannelAffine(scale: statistics.affine.scale, shift: sums.mean)
    context.pool.forEachShare(of: t.shape.pixels) { [self] pixels, _ in
      ChannelKernels.normalize(
        t.pointer, map, residual: nil, relu: false, into: result.pointer, rows: pixels,
        channels: bn.channels)
    }
    return result
  }

  /// Adds the weight's gradient of <`gradient`, scale `t`>.
  func addGradient(_ gradient: Tensor, _ t: Tensor, pass: GradientPass) {
    sums.clearSums(pass.context)
    pass.context.forEachImage(t.shape) { [self] in
      bn.addGradient(gradient, x: t, mask: .none, pixels: $0, thread: $1, to: sums)
    }
    sums.addSums()
    let slopes = (0..<bn.channels).map {
      sums.totals[bn.channels + $0] * Double(statistics.inverseDeviation[$0])
    }
    pass.addNormalizationGradient(slopes[...], at: bn.weight.offset)
  }
}

/// The tangent of a convolution, with a BatchNorm after it or none.
///
/// It owns what backward needs of the last tangent.
final class TangentConvolution {
  private let conv: Conv2D
  private let normalization: TangentNormalization?
  private var input: Tensor?
  private var convolved: Tensor?

  init(_ conv: Conv2D, _ normalization: TangentNormalization? = nil) {
    (self.conv, self.normalization) = (conv, normalization)
  }

  func forward(_ t: Tensor, pass: GradientPass) -> Tensor {
    let result = Tensor(conv.outputShape(batch: t.shape.batch))
    conv.forward(t, into: result, store: pass.store, context: pass.context)
    (input, convolved) = (t, result)
    return normalization?.scaled(result, context: pass.context) ?? result
  }

  func backward(_ gradient: Tensor, pass: GradientPass) -> Tensor {
    guard let input, let convolved else { preconditionFailure("backward before the tangent") }
    normalization?.addGradient(gradient, convolved, pass: pass)
    let inner = normalization?.scaled(gradient, context: pass.context) ?? gradient
    let result = Tensor(input.shape)
    conv.backward(
      ConvolutionOutputGradient(inner.pointer), x: input, xGradient: result, pass: pass)
    return result
  }
}

extension Tensor {
  /// Its values where a ReLU of `x` passes them on, else 0; in place.
  func keep(where mask: ChannelKernels.Mask, of x: Tensor, context: ComputeContext) {
    let channels = shape.channels
    let sums = BatchNorm2D.Statistics(channels: channels)
    sums.clearSums(context)
    context.forEachImage(shape) { pixels, thread in
      sums.withSums(thread) {
        ChannelKernels.maskAndSum(
          pointer, x: x.pointer, mean: sums.mean, mask: mask, rows: pixels, channels: channels,
          gradientSum: $0, productSum: $1)
      }
    }
  }

  /// Its values of `pixels` where `output`, what a ReLU yielded there, is positive, else 0; in place.
  func keep(wherePositive output: Tensor, pixels: Range<Int>) {
    let channels = shape.channels
    for place in pixels.lowerBound * channels..<pixels.upperBound * channels {
      pointer[place] = output.pointer[place] > 0 ? pointer[place] : 0
    }
  }

  /// The same of all pixels.
  func keep(wherePositive output: Tensor, context: ComputeContext) {
    context.pool.forEachShare(of: shape.pixels) { pixels, _ in
      keep(wherePositive: output, pixels: pixels)
    }
  }

  /// Adds the values of `other`.
  func add(_ other: Tensor, context: ComputeContext) {
    context.pool.forEachShare(of: shape.count) { share, _ in
      for place in share { pointer[place] += other.pointer[place] }
    }
  }

  /// The same values in memory of their own.
  var copied: Tensor {
    let result = Tensor(shape)
    result.pointer.update(from: pointer, count: shape.count)
    return result
  }
}
