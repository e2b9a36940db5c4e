import Distributed

/// The means of windows of 2x2 (PyTorch `AvgPool2d(2)`): x [N, H, W, C] → y [N, H/2, W/2, C]; an odd
/// last row or column is left out.
final class AveragePoolBlock: Block {
  private let input: Shape
  private var output: Tensor

  /// A pool over maps of `input`'s height, width and channels.
  init(input: Shape) {
    self.input = input.withBatch(0)
    output = Tensor(
      Shape(
        batch: 0, height: input.height / 2, width: input.width / 2, channels: input.channels))
  }

  func outputShape(batch: Int) -> Shape { output.shape.withBatch(batch) }

  func reserve(_ capacity: Int, mode: PassMode) {
    output = Tensor(outputShape(batch: capacity), reusing: output)
  }

  func forward(_ x: Tensor, pass: ForwardPass) -> Tensor {
    output = output.withBatch(x.shape.batch)
    let channels = input.channels
    pass.context.pool.forEachShare(of: output.shape.pixels) { pixels, _ in
      for pixel in pixels {
        let target = output.pointer + pixel * channels
        target.update(repeating: 0, count: channels)
        for source in sources(of: pixel) {
          for c in 0..<channels { target[c] += x.pointer[source * channels + c] }
        }
        for c in 0..<channels { target[c] *= 0.25 }
      }
    }
    return output
  }

  func backward(
    _ outputGradient: Tensor, input: BlockInput, workspace: GradientWorkspace, pass: GradientPass,
    ready: GradientReady
  ) -> Tensor {
    guard let gradient = input.place(in: workspace) else { return outputGradient }
    let channels = self.input.channels
    let (outputs, inputs) = (output.shape.withBatch(1).pixels, self.input.withBatch(1).pixels)
    pass.context.forEachImage(gradient.shape) { pixels, thread in
      for image in pixels.lowerBound / inputs..<pixels.upperBound / inputs {
        gradient.pointer(image: image).update(repeating: 0, count: inputs * channels)
        for pixel in image * outputs..<(image + 1) * outputs {
          for source in sources(of: pixel) {
            for c in 0..<channels {
              gradient.pointer[source * channels + c] =
                outputGradient.pointer[pixel * channels + c] * 0.25
            }
          }
        }
      }
      ready(gradient, pixels, thread)
    }
    return gradient
  }

  /// The pixels, counted over all images, that output pixel `pixel` is the mean of.
  private func sources(of pixel: Int) -> [Int] {
    let (row, column) = pixel.quotientAndRemainder(dividingBy: output.shape.width)
    let (image, y) = row.quotientAndRemainder(dividingBy: output.shape.height)
    let first = (image * input.height + 2 * y) * input.width + 2 * column
    return [first, first + 1, first + input.width, first + input.width + 1]
  }
}
