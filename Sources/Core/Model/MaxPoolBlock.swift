import Distributed

/// The largest value of each window (PyTorch `MaxPool2d`), padded by nothing: x [N, H, W, C] →
/// y [N, OH, OW, C] with OH = (H + 2 padding - kernel) / stride + 1.
///
/// Of equal values the first in row order gets the gradient; a value that is no number is the
/// largest, so that it is not lost on the way.
final class MaxPoolBlock: Block {
  private let input: Shape
  private let kernel, stride, padding: Int
  private var output: Tensor
  /// The place in its window, row by row, of each output's source; empty where nothing but
  /// evaluation was asked for.
  private var sources: [UInt8] = []

  /// A pool over maps of `input`'s height, width and channels.
  init(input: Shape, kernel: Int, stride: Int, padding: Int) {
    precondition(kernel * kernel <= 256, "a window of \(kernel) x \(kernel)")
    self.input = input.withBatch(0)
    (self.kernel, self.stride, self.padding) = (kernel, stride, padding)
    let side = { (length: Int) in (length + 2 * padding - kernel) / stride + 1 }
    output = Tensor(
      Shape(
        batch: 0, height: side(input.height), width: side(input.width), channels: input.channels))
  }

  func outputShape(batch: Int) -> Shape { output.shape.withBatch(batch) }

  func reserve(_ capacity: Int, mode: PassMode) {
    output = Tensor(outputShape(batch: capacity), reusing: output)
    let count = mode.keepsActivations ? output.shape.count : 0
    sources = Array(repeating: 0, count: max(count, 0))
  }

  func forward(_ x: Tensor, pass: ForwardPass) -> Tensor {
    output = output.withBatch(x.shape.batch)
    let keeps = pass.mode.keepsActivations
    sources.withUnsafeMutableBufferPointer { sources in
      let places = keeps ? sources.baseAddress : nil
      pass.context.pool.forEachShare(of: output.shape.batch * output.shape.height) { rows, _ in
        for row in rows { forward(row: row, of: x, places: places) }
      }
    }
    return output
  }

  /// Row `row` of the output, counted over all images.
  private func forward(row: Int, of x: Tensor, places: UnsafeMutablePointer<UInt8>?) {
    let channels = input.channels
    for column in 0..<output.shape.width {
      let first = (row * output.shape.width + column) * channels
      let target = output.pointer + first
      target.update(repeating: -.infinity, count: channels)
      forEachSource(row: row, column: column) { place, pixel in
        let source = x.pointer + pixel * channels
        for c in 0..<channels where source[c] > target[c] || source[c].isNaN {
          target[c] = source[c]
          places?[first + c] = UInt8(place)
        }
      }
    }
  }

  /// Calls `body` with each place of a window that lies in the image, and its pixel over all images.
  private func forEachSource(row: Int, column: Int, _ body: (_ place: Int, _ pixel: Int) -> Void) {
    let (image, y) = row.quotientAndRemainder(dividingBy: output.shape.height)
    for place in 0..<kernel * kernel {
      let (down, right) = place.quotientAndRemainder(dividingBy: kernel)
      let (r, c) = (y * stride - padding + down, column * stride - padding + right)
      if 0..<input.height ~= r, 0..<input.width ~= c {
        body(place, (image * input.height + r) * input.width + c)
      }
    }
  }

  func backward(
    _ outputGradient: Tensor, input: BlockInput, workspace: GradientWorkspace, pass: GradientPass,
    ready: GradientReady
  ) -> Tensor {
    guard let gradient = input.place(in: workspace) else { return outputGradient }
    let pixels = self.input.height * self.input.width
    pass.context.pool.forEachShare(of: gradient.shape.batch) { images, thread in
      for image in images {
        gradient.pointer(image: image).update(repeating: 0, count: pixels * self.input.channels)
        let rows = output.shape.height
        for row in image * rows..<(image + 1) * rows {
          scatter(row: row, of: outputGradient, to: gradient)
        }
        ready(gradient, image * pixels..<(image + 1) * pixels, thread)
      }
    }
    return gradient
  }

  private func scatter(row: Int, of outputGradient: Tensor, to gradient: Tensor) {
    let channels = input.channels
    for column in 0..<output.shape.width {
      let first = (row * output.shape.width + column) * channels
      forEachSource(row: row, column: column) { place, pixel in
        let target = gradient.pointer + pixel * channels
        for c in 0..<channels where sources[first + c] == UInt8(place) {
          target[c] += outputGradient.pointer[first + c]
        }
      }
    }
  }
}
