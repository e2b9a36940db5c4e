/// A fully connected layer: y = x weightᵀ + bias, summed in double: it is small beside the rest.
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
    let (w, b) = (store.value(weight), store.value(bias))
    for row in 0..<x.shape.batch {
      let features = x.pointer + row * inputs
      for o in 0..<outputs {
        y.pointer[row * outputs + o] = Float(Double(b[o]) + dot(features, w + o * inputs))
      }
    }
  }

  /// Adds the gradients of weight and bias to the store; writes the input's into `xGradient`.
  public func backward(_ yGradient: Tensor, x: Tensor, xGradient: Tensor?, store: ParameterStore) {
    let batch = x.shape.batch
    let gradient = yGradient.pointer
    for o in 0..<outputs {
      var sums = [Double](repeating: 0, count: inputs + 1)
      for row in 0..<batch {
        let factor = Double(gradient[row * outputs + o])
        let features = x.pointer + row * inputs
        for i in 0..<inputs { sums[i] += factor * Double(features[i]) }
        sums[inputs] += factor
      }
      store.addGradient(sums[..<inputs], at: weight.offset + o * inputs)
      store.addGradient(sums[inputs...], at: bias.offset + o)
    }
    store.finishGradients(bias, weight)
    guard let xGradient else { return }
    let w = store.value(weight)
    for row in 0..<batch {
      let target = xGradient.pointer + row * inputs
      target.update(repeating: 0, count: inputs)
      for o in 0..<outputs {
        let factor = gradient[row * outputs + o]
        for i in 0..<inputs { target[i] += factor * w[o * inputs + i] }
      }
    }
  }

  /// Products of floats are exact in double, so this sum is rounded to float only once.
  private func dot(_ a: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>) -> Double {
    var lanes = SIMD4<Double>.zero
    var index = 0
    while index + 4 <= inputs {
      lanes += SIMD4<Double>(load4(a + index)) * SIMD4<Double>(load4(b + index))
      index += 4
    }
    var sum = lanes.sum()
    while index < inputs {
      sum += Double(a[index]) * Double(b[index])
      index += 1
    }
    return sum
  }

  private func load4(_ p: UnsafeMutablePointer<Float>) -> SIMD4<Float> {
    UnsafeRawPointer(p).loadUnaligned(as: SIMD4<Float>.self)
  }
}
