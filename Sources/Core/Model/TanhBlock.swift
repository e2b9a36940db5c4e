import Distributed
import Foundation

/// y = tanh x, of any shape.
final class TanhBlock: Block {
  private var output: Tensor

  /// A block for maps of `input`'s height, width and channels.
  init(input: Shape) { output = Tensor(input.withBatch(0)) }

  func outputShape(batch: Int) -> Shape { output.shape.withBatch(batch) }

  func reserve(_ capacity: Int, mode: PassMode) {
    output = Tensor(outputShape(batch: capacity), reusing: output)
  }

  func forward(_ x: Tensor, pass: ForwardPass) -> Tensor {
    output = output.withBatch(x.shape.batch)
    pass.context.pool.forEachShare(of: x.shape.count) { [self] share, _ in
      for place in share { output.pointer[place] = Foundation.tanh(x.pointer[place]) }
    }
    return output
  }

  func backward(
    _ outputGradient: Tensor, input: BlockInput, workspace: GradientWorkspace, pass: GradientPass,
    ready: GradientReady
  ) -> Tensor {
    guard let gradient = input.place(in: workspace) else { return outputGradient }
    let size = gradient.shape.withBatch(1)
    pass.context.forEachImage(gradient.shape) { [self] pixels, thread in
      let channels = size.channels
      for place in pixels.lowerBound * channels..<pixels.upperBound * channels {
        let y = output.pointer[place]
        gradient.pointer[place] = outputGradient.pointer[place] * (1 - y * y)
      }
      ready(gradient, pixels, thread)
    }
    return gradient
  }
}
