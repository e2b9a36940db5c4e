/// The map scale x + shift per channel: [C] each.
package struct ChannelAffine {
  package var scale: UnsafeMutablePointer<Float>
  package var shift: UnsafeMutablePointer<Float>

  package init(scale: UnsafeMutablePointer<Float>, shift: UnsafeMutablePointer<Float>) {
    self.scale = scale
    self.shift = shift
  }
}

/// A convolution's input as it lies in memory, with the BatchNorm and ReLU that are applied as it
/// is read.
///
/// Reading through them saves the memory of the activation, writing it once and reading it twice.
package struct ConvolutionInput {
  /// The input, or what max(0, scale x + shift) makes the input: [N, H, W, C].
  package var values: UnsafeMutablePointer<Float>
  /// The map; nil where `values` is the input itself.
  package var rectified: ChannelAffine?

  package init(_ values: UnsafeMutablePointer<Float>, rectified: ChannelAffine? = nil) {
    self.values = values
    self.rectified = rectified
  }
}

/// The gradient of a convolution's output, with BatchNorm's backward applied as it is read.
package struct ConvolutionOutputGradient {
  /// BatchNorm's backward: gradient = a values + b x + d, per channel.
  package struct Normalization {
    /// What BatchNorm normalised, that is the convolution's output: [N, OH, OW, O].
    package var x: UnsafeMutablePointer<Float>
    /// Per channel: [O] each.
    package var a: UnsafeMutablePointer<Float>
    package var b: UnsafeMutablePointer<Float>
    package var d: UnsafeMutablePointer<Float>

    package init(
      x: UnsafeMutablePointer<Float>, a: UnsafeMutablePointer<Float>,
      b: UnsafeMutablePointer<Float>, d: UnsafeMutablePointer<Float>
    ) {
      self.x = x
      self.a = a
      self.b = b
      self.d = d
    }
  }

  /// The gradient of the convolution's output or, with `normalization`, of BatchNorm's output.
  package var values: UnsafeMutablePointer<Float>
  package var normalization: Normalization?

  package init(_ values: UnsafeMutablePointer<Float>, normalization: Normalization? = nil) {
    self.values = values
    self.normalization = normalization
  }
}

/// What is done to a convolution's output as it is written: BatchNorm with running statistics, the
/// residual sum and the ReLU that follow it.
///
/// y = [max 0](scale y + shift [+ residual]), with `ChannelKernels.normalize`'s arithmetic.
package struct ConvolutionFinish {
  /// BatchNorm's map.
  package var affine: ChannelAffine
  /// What is added: [N, OH, OW, O].
  package var residual: UnsafeMutablePointer<Float>?
  /// Whether a ReLU follows.
  package var relu: Bool

  package init(
    affine: ChannelAffine, residual: UnsafeMutablePointer<Float>? = nil, relu: Bool
  ) {
    self.affine = affine
    self.residual = residual
    self.relu = relu
  }
}

/// Told by thread `thread` that pixels `pixels` (counted over all images) of the result are final,
/// while they still lie in its cache; they are of one image, and cut the same way whatever the
/// batch.
package typealias PixelsReady = (_ pixels: Range<Int>, _ thread: Int) -> Void

/// Where a convolution's input gradient goes.
package struct ConvolutionInputGradient {
  /// [N, H, W, C].
  package var values: UnsafeMutablePointer<Float>
  /// Whether it is added to what is there.
  package var accumulate: Bool

  package init(_ values: UnsafeMutablePointer<Float>, accumulate: Bool) {
    self.values = values
    self.accumulate = accumulate
  }
}
