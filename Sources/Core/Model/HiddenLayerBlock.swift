import Distributed

/// A hidden linear layer with an activation and dropout: x [N, 1, 1, I] → y [N, 1, 1, O].
///
/// In training a share of the outputs is dropped and the others are divided by the rest, as PyTorch
/// does; which ones depends on the seed, the epoch and the image, never on the rank.
final class HiddenLayerBlock: Block {
  private let linear: any LinearLayer
  private let activation: Activation
  private let dropout: Double
  /// The layer's number in its network, which keys its draws.
  private let index: Int
  private var output: Tensor
  /// What the activation was given, which its slope is taken of; ReLU's is seen in the output.
  private var sums: [Float] = []
  /// What each output was multiplied with: 0 or 1 / (1 - dropout).
  private var factors: [Float] = []

  /// Registers the layer `name`, whose weights take each input `copies` times.
  init(
    _ name: String, inputs: Int, copies: Int = 1, outputs: Int, activation: Activation = .relu,
    dropout: Double, index: Int, plan: inout ParameterLayoutPlan
  ) {
    linear =
      copies == 1
      ? Linear(name, inputs: inputs, outputs: outputs, plan: &plan)
      : RepeatedLinear(name, inputs: inputs, copies: copies, outputs: outputs, plan: &plan)
    (self.activation, self.dropout, self.index) = (activation, dropout, index)
    output = Tensor(Shape(batch: 0, height: 1, width: 1, channels: outputs))
  }

  func outputShape(batch: Int) -> Shape { output.shape.withBatch(batch) }

  func reserve(_ capacity: Int, mode: PassMode) {
    output = Tensor(outputShape(batch: capacity), reusing: output)
  }

  func forward(_ x: Tensor, pass: ForwardPass) -> Tensor {
    output = output.withBatch(x.shape.batch)
    linear.forward(x, into: output, store: pass.store, context: pass.context)
    sums = activation == .relu ? [] : output.array
    // A value that is no number stays one.
    for place in 0..<output.shape.count {
      output.pointer[place] = activation(output.pointer[place])
    }
    factors = []
    guard pass.mode == .training, dropout > 0, let draws = pass.hooks.draws else { return output }
    factors = draws.dropFactors(dropout, layer: index, outputs: linear.outputs)
    precondition(factors.count == output.shape.count, "\(factors.count) dropout factors")
    for place in factors.indices { output.pointer[place] *= factors[place] }
    return output
  }

  func backward(
    _ outputGradient: Tensor, input: BlockInput, workspace: GradientWorkspace, pass: GradientPass,
    ready: GradientReady
  ) -> Tensor {
    let gradient = outputGradient.pointer
    for place in 0..<outputGradient.shape.count {
      // Of ReLU a dropped output is 0 too.
      let slope = activation.slope(sums.isEmpty ? output.pointer[place] : sums[place])
      if slope == 0 {
        gradient[place] = 0
      } else {
        gradient[place] *= factors.isEmpty ? slope : slope * factors[place]
      }
    }
    let xGradient = input.place(in: workspace)
    linear.backward(outputGradient, x: input.x, xGradient: xGradient, pass: pass)
    if let xGradient {
      pass.context.forEachImage(xGradient.shape) { ready(xGradient, $0, $1) }
    }
    return xGradient ?? outputGradient
  }
}
