import Distributed

/// The means of `side` x `side` overlapping parts of each channel (PyTorch `AdaptiveAvgPool2d`), in
/// the order in which PyTorch flattens them: x [N, H, W, C] → y [N, 1, 1, C side side].
///
/// Part i of n rows runs from ⌊i n / side⌋ to ⌈(i + 1) n / side⌉; a map of one pixel is copied.
final class AdaptivePoolBlock: Block {
  private let input: Shape
  private let side: Int
  private var output: Tensor

  /// A pool over maps of `input`'s height, width and channels.
  init(input: Shape, side: Int) {
    self.input = input.withBatch(0)
    self.side = side
    output = Tensor(Shape(batch: 0, height: 1, width: 1, channels: input.channels * side * side))
  }

  func outputShape(batch: Int) -> Shape { output.shape.withBatch(batch) }

  func reserve(_ capacity: Int, mode: PassMode) {
    output = Tensor(outputShape(batch: capacity), reusing: output)
  }

  func forward(_ x: Tensor, pass: ForwardPass) -> Tensor {
    output = output.withBatch(x.shape.batch)
    pass.context.pool.forEachShare(of: x.shape.batch) { images, _ in
      for image in images {
        let (source, target) = (x.pointer(image: image), output.pointer(image: image))
        forEachPart { part, pixels, factor in
          for c in 0..<input.channels {
            var sum = Float(0)
            for pixel in pixels { sum += source[pixel * input.channels + c] }
            target[c * side * side + part] = sum * factor
          }
        }
      }
    }
    return output
  }

  func backward(
    _ outputGradient: Tensor, input: BlockInput, workspace: GradientWorkspace, pass: GradientPass,
    ready: GradientReady
  ) -> Tensor {
    guard let gradient = input.place(in: workspace) else { return outputGradient }
    let (channels, pixels) = (self.input.channels, self.input.height * self.input.width)
    pass.context.pool.forEachShare(of: gradient.shape.batch) { images, thread in
      for image in images {
        let source = outputGradient.pointer(image: image)
        let target = gradient.pointer(image: image)
        target.update(repeating: 0, count: pixels * channels)
        forEachPart { part, places, factor in
          for pixel in places {
            for c in 0..<channels {
              target[pixel * channels + c] += source[c * side * side + part] * factor
            }
          }
        }
        ready(gradient, image * pixels..<(image + 1) * pixels, thread)
      }
    }
    return gradient
  }

  /// Calls `body` with each part, its pixels in an image, and one over their number.
  private func forEachPart(_ body: (_ part: Int, _ pixels: [Int], _ factor: Float) -> Void) {
    let range = { [side] (index: Int, length: Int) in
      index * length / side..<((index + 1) * length + side - 1) / side
    }
    for part in 0..<side * side {
      let (rows, columns) = (range(part / side, input.height), range(part % side, input.width))
      let pixels = rows.flatMap { row in columns.map { row * input.width + $0 } }
      body(part, pixels, 1 / Float(pixels.count))
    }
  }
}
