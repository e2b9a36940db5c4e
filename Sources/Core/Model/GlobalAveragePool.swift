/// The mean over all pixels of each channel: x [N, H, W, C] → y [N, 1, 1, C].
///
/// Equal to the originals' 4x4 average pool on their 4x4 last stage, and to an adaptive pool to
/// 1x1.
public enum GlobalAveragePool {
  /// y[n, c] = mean over h, w of x[n, h, w, c].
  public static func forward(_ x: Tensor, into y: Tensor, context: ComputeContext) {
    let (pixels, channels) = (x.shape.height * x.shape.width, x.shape.channels)
    let factor = 1 / Float(pixels)
    context.pool.forEachShare(of: x.shape.batch) { images, _ in
      for image in images {
        let target = y.pointer + image * channels
        target.update(repeating: 0, count: channels)
        for pixel in 0..<pixels {
          let source = x.pointer + (image * pixels + pixel) * channels
          for c in 0..<channels { target[c] += source[c] }
        }
        for c in 0..<channels { target[c] *= factor }
      }
    }
  }

  /// xGradient[n, h, w, c] = yGradient[n, c] / (H W).
  public static func backward(_ yGradient: Tensor, xGradient: Tensor, context: ComputeContext) {
    let shape = xGradient.shape
    let pixels = shape.height * shape.width
    let factor = 1 / Float(pixels)
    context.pool.forEachShare(of: shape.batch) { images, _ in
      for image in images {
        let source = yGradient.pointer + image * shape.channels
        for pixel in 0..<pixels {
          let target = xGradient.pointer + (image * pixels + pixel) * shape.channels
          for c in 0..<shape.channels { target[c] = source[c] * factor }
        }
      }
    }
  }
}

/// The pool at the end of most networks: its output is the head's input.
final class GlobalAveragePoolBlock: Block {
  private let channels: Int
  private var output: Tensor

  /// A pool over maps of `channels` channels.
  init(channels: Int) {
    self.channels = channels
    output = Tensor(Shape(batch: 0, height: 1, width: 1, channels: channels))
  }

  func outputShape(batch: Int) -> Shape {
    Shape(batch: batch, height: 1, width: 1, channels: channels)
  }

  func reserve(_ capacity: Int, mode: PassMode) {
    output = Tensor(outputShape(batch: capacity), reusing: output)
  }

  func forward(_ x: Tensor, pass: ForwardPass) -> Tensor {
    output = output.withBatch(x.shape.batch)
    GlobalAveragePool.forward(x, into: output, context: pass.context)
    return output
  }

  func backward(
    _ outputGradient: Tensor, input: BlockInput, workspace: GradientWorkspace, pass: GradientPass,
    ready: GradientReady
  ) -> Tensor {
    guard let gradient = input.place(in: workspace) else { return outputGradient }
    GlobalAveragePool.backward(outputGradient, xGradient: gradient, context: pass.context)
    pass.context.forEachImage(gradient.shape) { ready(gradient, $0, $1) }
    return gradient
  }
}

extension GlobalAveragePoolBlock: LinearizedBlock {
  func tangent(_ t: Tensor, x: Tensor, pass: GradientPass) -> Tensor {
    let moved = Tensor(outputShape(batch: t.shape.batch))
    GlobalAveragePool.forward(t, into: moved, context: pass.context)
    return moved
  }

  func tangentBackward(_ gradient: Tensor, x: Tensor, pass: GradientPass) -> Tensor {
    let result = Tensor(x.shape)
    GlobalAveragePool.backward(gradient, xGradient: result, context: pass.context)
    return result
  }
}
