import Distributed

/// A convolution of each channel by itself, without bias (PyTorch `Conv2d(C, C, k, groups=C)`).
///
/// Shapes: x [N, H, W, C] → y [N, OH, OW, C] with OH = (H + 2 padding - kernel) / stride + 1; weight
/// [C, 1, k, k] in PyTorch, kept as [k, k, 1, C].
struct DepthwiseConvolution {
  let weight: ParameterSlot
  let output: Shape
  private let input: Shape
  private let kernel, stride: Int

  /// Registers `name.weight`.
  init(_ name: String, input: Shape, kernel: Int, stride: Int, plan: inout ParameterLayoutPlan) {
    weight = plan.parameter(
      "\(name).weight", shape: [input.channels, 1, kernel, kernel], role: .kernel,
      layout: .convolutionHWIO)
    (self.kernel, self.stride, self.input) = (kernel, stride, input.withBatch(0))
    let side = { (length: Int) in (length + 2 * (kernel / 2) - kernel) / stride + 1 }
    output = Shape(
      batch: 0, height: side(input.height), width: side(input.width), channels: input.channels)
  }

  func forward(_ x: Tensor, into y: Tensor, pass: ForwardPass) {
    let (w, channels) = (pass.store.value(weight), input.channels)
    pass.context.forEachImage(y.shape) { pixels, _ in
      for pixel in pixels {
        let target = y.pointer + pixel * channels
        target.update(repeating: 0, count: channels)
        forEachSource(of: pixel) { tap, source in
          let (values, factors) = (x.pointer + source * channels, w + tap * channels)
          for c in 0..<channels { target[c] += values[c] * factors[c] }
        }
      }
    }
  }

  /// Adds the weight's gradient to the store and writes x's into `xGradient`.
  ///
  /// What one image adds is summed in float, across images sums run in double: see Note [Sums that
  /// do not depend on the world].
  func backward(_ yGradient: Tensor, x: Tensor, xGradient: Tensor, pass: GradientPass) {
    let (w, channels) = (pass.store.value(weight), input.channels)
    let pixels = output.withBatch(1).pixels
    pass.context.forEachImage(xGradient.shape) { own, _ in
      (xGradient.pointer + own.lowerBound * channels)
        .update(repeating: 0, count: own.count * channels)
      let inputs = input.withBatch(1).pixels
      for pixel in own.lowerBound / inputs * pixels..<own.upperBound / inputs * pixels {
        let gradient = yGradient.pointer + pixel * channels
        forEachSource(of: pixel) { tap, source in
          let (target, factors) = (xGradient.pointer + source * channels, w + tap * channels)
          for c in 0..<channels { target[c] += gradient[c] * factors[c] }
        }
      }
    }
    guard pass.hasParameters else { return }
    var sums = [Double](repeating: 0, count: weight.count)
    sums.withUnsafeMutableBufferPointer { sums in
      let sums = SendablePointer(sums)
      pass.context.pool.forEachShare(of: channels) { share, _ in
        addWeightGradient(yGradient, x: x, channels: share, to: sums.values)
      }
    }
    pass.addGradient(sums[...], at: weight.offset)
    pass.finish(weight)
  }

  private func addWeightGradient(
    _ yGradient: Tensor, x: Tensor, channels share: Range<Int>,
    to sums: UnsafeMutableBufferPointer<Double>
  ) {
    let (channels, pixels) = (input.channels, output.withBatch(1).pixels)
    var own = [Float](repeating: 0, count: kernel * kernel * share.count)
    for image in 0..<x.shape.batch {
      for place in own.indices { own[place] = 0 }
      for pixel in image * pixels..<(image + 1) * pixels {
        let gradient = yGradient.pointer + pixel * channels
        forEachSource(of: pixel) { tap, source in
          let values = x.pointer + source * channels
          for c in share {
            own[tap * share.count + c - share.lowerBound] += gradient[c] * values[c]
          }
        }
      }
      for tap in 0..<kernel * kernel {
        for c in share {
          sums[tap * channels + c] += Double(own[tap * share.count + c - share.lowerBound])
        }
      }
    }
  }

  /// Calls `body` with each tap of output pixel `pixel` that lies in the image, and its pixel; both
  /// are counted over all images.
  private func forEachSource(of pixel: Int, _ body: (_ tap: Int, _ source: Int) -> Void) {
    let (row, column) = pixel.quotientAndRemainder(dividingBy: output.width)
    let (image, y) = row.quotientAndRemainder(dividingBy: output.height)
    for tap in 0..<kernel * kernel {
      let (down, right) = tap.quotientAndRemainder(dividingBy: kernel)
      let (r, c) = (y * stride - kernel / 2 + down, column * stride - kernel / 2 + right)
      if 0..<input.height ~= r, 0..<input.width ~= c {
        body(tap, (image * input.height + r) * input.width + c)
      }
    }
  }
}

/// Memory that threads write disjoint parts of.
private struct SendablePointer: @unchecked Sendable {
  let values: UnsafeMutableBufferPointer<Double>
  init(_ values: UnsafeMutableBufferPointer<Double>) { self.values = values }
}
