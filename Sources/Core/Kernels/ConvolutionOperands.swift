/// A convolution's input as it lies in memory, with the BatchNorm and ReLU that are applied as it is read.
///
/// Reading through them saves writing the activation once and reading it twice.
package struct ConvolutionInput {
  /// max(0, scale x + shift) per channel: [C] each.
  package typealias RectifiedAffine = (
    scale: UnsafeMutablePointer<Float>, shift: UnsafeMutablePointer<Float>
  )

  /// The input, or what max(0, scale x + shift) makes the input: [N, H, W, C].
  package var values: UnsafeMutablePointer<Float>
  /// The map; nil where `values` is the input itself.
  package var rectifiedAffine: RectifiedAffine?

  package init(
    _ values: UnsafeMutablePointer<Float>,
    rectifiedAffine: RectifiedAffine? = nil
  ) {
    self.values = values
    self.rectifiedAffine = rectifiedAffine
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
  }

  /// The gradient of the convolution's output or, with `normalization`, of BatchNorm's output.
  package var values: UnsafeMutablePointer<Float>
  package var normalization: Normalization?

  package init(_ values: UnsafeMutablePointer<Float>, normalization: Normalization? = nil) {
    self.values = values
    self.normalization = normalization
  }
}

/// Told by thread `thread` that pixels `pixels` (counted over all images) of the result are final, while
/// they still lie in its cache.
package typealias PixelsReady = (_ pixels: Range<Int>, _ thread: Int) -> Void
