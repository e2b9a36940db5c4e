/// The geometry of a square convolution over NHWC images.
package struct ConvolutionGeometry: Equatable, Sendable {
  package var inputHeight: Int
  package var inputWidth: Int
  package var inputChannels: Int
  package var outputChannels: Int
  package var kernel: Int
  package var stride: Int
  package var padding: Int
  /// Rows below and columns to the right of the image; on the other sides there are `padding`.
  package var trailingPadding: Int

  package init(
    inputHeight: Int, inputWidth: Int, inputChannels: Int, outputChannels: Int, kernel: Int,
    stride: Int, padding: Int, trailingPadding: Int? = nil
  ) {
    self.inputHeight = inputHeight
    self.inputWidth = inputWidth
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.trailingPadding = trailingPadding ?? padding
  }

  package var outputHeight: Int {
    (inputHeight + padding + trailingPadding - kernel) / stride + 1
  }
  package var outputWidth: Int {
    (inputWidth + padding + trailingPadding - kernel) / stride + 1
  }
  package var outputPixels: Int { outputHeight * outputWidth }
  /// Floats in one patch: kernel x kernel x input channels.
  package var patchSize: Int { kernel * kernel * inputChannels }

  /// Whether a patch is simply the pixel itself, so that no patch matrix is needed.
  var isPointwise: Bool { kernel == 1 && stride == 1 && padding == 0 }
}

/// Patch matrices of NHWC images: row r holds the inputs that output pixel r sees, in HWI order.
///
/// With weights kept as HWIO a convolution is then one product, patches[rows, K] x weights[K, O].
/// This is the reference for every faster convolution kernel.
enum Im2Col {
  /// Writes the patches of output pixels `rows` (counted over all images) to `patches`: [rows, K].
  static func gather(
    _ geometry: ConvolutionGeometry, input: UnsafeMutablePointer<Float>, rows: Range<Int>,
    patches: UnsafeMutablePointer<Float>
  ) {
    forEachTapRow(geometry, rows: rows) { patch, source, segment, before, after in
      let target = patches + patch
      target.update(repeating: 0, count: before)
      (target + before).update(from: input + source, count: segment)
      (target + before + segment).update(repeating: 0, count: after)
    }
  }

  /// Adds `patches`, the gradients of the patches of output pixels `rows`, to the input's gradient.
  static func scatterAdd(
    _ geometry: ConvolutionGeometry, patches: UnsafeMutablePointer<Float>, rows: Range<Int>,
    inputGradient: UnsafeMutablePointer<Float>
  ) {
    forEachTapRow(geometry, rows: rows) { patch, source, segment, before, _ in
      let values = patches + patch + before
      let target = inputGradient + source
      for index in 0..<segment { target[index] += values[index] }
    }
  }

  /// Calls `body` for each kernel row of each output pixel in `rows`: the kernel row's columns are
  /// neighbours in memory, so one call covers `kernel * channels` floats of the patch.
  ///
  /// The arguments are the position in the patch matrix, the position in the input, and the numbers
  /// of floats inside the image, left of it and right of it.
  @inline(__always)
  private static func forEachTapRow(
    _ geometry: ConvolutionGeometry, rows: Range<Int>,
    _ body: (_ patch: Int, _ source: Int, _ segment: Int, _ before: Int, _ after: Int) -> Void
  ) {
    let channels = geometry.inputChannels
    let length = geometry.kernel * channels
    var patch = 0
    for row in rows {
      let (image, pixel) = row.quotientAndRemainder(dividingBy: geometry.outputPixels)
      let (outputRow, outputColumn) = pixel.quotientAndRemainder(dividingBy: geometry.outputWidth)
      let left = outputColumn * geometry.stride - geometry.padding
      let first = max(left, 0)
      let end = max(first, min(left + geometry.kernel, geometry.inputWidth))
      for tapRow in 0..<geometry.kernel {
        let inputRow = outputRow * geometry.stride - geometry.padding + tapRow
        let isInside = inputRow >= 0 && inputRow < geometry.inputHeight
        let segment = isInside ? (end - first) * channels : 0
        let before = isInside ? (first - left) * channels : length
        let rowStart = (image * geometry.inputHeight + inputRow) * geometry.inputWidth
        body(
          patch, isInside ? (rowStart + first) * channels : 0, segment, before,
          length - before - segment)
        patch += length
      }
    }
  }
}
