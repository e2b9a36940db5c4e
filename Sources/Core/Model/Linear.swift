/// A fully connected layer: y = x weightᵀ + bias.
///
/// Shapes: x [N, 1, 1, I] → y [N, 1, 1, O]; weight [O, I], bias [O].
public struct Linear: Sendable {
  /// The weight's place in the parameters.
  public let weight: ParameterSlot
  /// The bias's place in the parameters.
  public let bias: ParameterSlot
  /// I.
  public let inputs: Int
  /// O.
  public let outputs: Int

  /// Registers `name.weight` and `name.bias`.
  public init(_ name: String, inputs: Int, outputs: Int, plan: inout ParameterLayoutPlan) {
    self.inputs = inputs
    self.outputs = outputs
    weight = plan.parameter("\(name).weight", shape: [outputs, inputs])
    bias = plan.parameter("\(name).bias", shape: [outputs])
  }

  /// y = x weightᵀ + bias.
  public func forward(_ x: Tensor, into y: Tensor, store: ParameterStore) {
    let batch = x.shape.batch
    for row in 0..<batch {
      (y.pointer + row * outputs).update(from: store.value(bias), count: outputs)
    }
    if batch == 0 { return }
    GEMM.multiply(
      MatrixView(pointer: x.pointer, stride: inputs),
      MatrixView(pointer: store.value(weight), stride: inputs, order: .transposed),
      into: MatrixView(pointer: y.pointer, stride: outputs), m: batch, n: outputs, k: inputs,
      accumulate: true)
  }

  /// Adds the gradients of weight and bias to the store; writes the input's into `xGradient`.
  public func backward(_ yGradient: Tensor, x: Tensor, xGradient: Tensor?, store: ParameterStore) {
    let batch = x.shape.batch
    if batch == 0 { return }
    let gradient = MatrixView(pointer: yGradient.pointer, stride: outputs)
    for row in 0..<batch {
      for o in 0..<outputs { store.gradient(bias)[o] += gradient.pointer[row * outputs + o] }
    }
    GEMM.multiply(
      MatrixView(pointer: gradient.pointer, stride: outputs, order: .transposed),
      MatrixView(pointer: x.pointer, stride: inputs),
      into: MatrixView(pointer: store.gradient(weight), stride: inputs), m: outputs, n: inputs,
      k: batch, accumulate: true)
    guard let xGradient else { return }
    GEMM.multiply(
      gradient, MatrixView(pointer: store.value(weight), stride: inputs),
      into: MatrixView(pointer: xGradient.pointer, stride: inputs), m: batch, n: inputs, k: outputs)
  }
}
