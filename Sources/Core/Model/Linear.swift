/// A layer of a weight and a bias whose output is linear in its input.
package protocol LinearLayer {
  /// O.
  var outputs: Int { get }

  /// Writes the outputs for x [N, 1, 1, I] into y [N, 1, 1, O].
  func forward(_ x: Tensor, into y: Tensor, store: ParameterStore, context: ComputeContext)

  /// Adds the gradients of weight and bias as `pass` says it; writes the input's into `xGradient`.
  func backward(_ yGradient: Tensor, x: Tensor, xGradient: Tensor?, pass: GradientPass)
}

/// A fully connected layer: y = x weightᵀ + bias.
///
/// Heads are summed in double, since they are small beside the rest; hidden layers of millions of
/// weights are products in float. Shapes: x [N, 1, 1, I] → y [N, 1, 1, O]; weight [O, I], bias [O].
public struct Linear: LinearLayer, Sendable {
  /// The weight's place in the parameters.
  public let weight: ParameterSlot
  /// The bias's place in the parameters.
  public let bias: ParameterSlot
  /// I.
  public let inputs: Int
  /// O.
  public let outputs: Int

  /// Weights from which on products in float pay; the head of 1,000 classes on 1,000 features is
  /// below.
  private static let leastProduct = 1 << 20

  /// Registers `name.weight` and `name.bias`.
  public init(_ name: String, inputs: Int, outputs: Int, plan: inout ParameterLayoutPlan) {
    self.inputs = inputs
    self.outputs = outputs
    weight = plan.parameter("\(name).weight", shape: [outputs, inputs], role: .matrix)
    bias = plan.parameter("\(name).bias", shape: [outputs], role: .bias(fanIn: inputs))
  }

  private var product: LinearProduct? {
    inputs * outputs < Self.leastProduct ? nil : LinearProduct(inputs: inputs, outputs: outputs)
  }

  /// y = x weightᵀ + bias.
  public func forward(
    _ x: Tensor, into y: Tensor, store: ParameterStore, context: ComputeContext
  ) {
    let (w, b) = (store.value(weight), store.value(bias))
    if let product {
      return product.forward(x, into: y, weight: w, bias: b, context: context)
    }
    context.pool.forEachShare(of: x.shape.batch) { rows, _ in
      for row in rows {
        let features = x.pointer + row * inputs
        for o in 0..<outputs {
          y.pointer[row * outputs + o] = Float(Double(b[o]) + dot(features, w + o * inputs))
        }
      }
    }
  }

  /// Adds the gradients of weight and bias to the store; writes the input's into `xGradient`.
  public func backward(
    _ yGradient: Tensor, x: Tensor, xGradient: Tensor?, store: ParameterStore,
    context: ComputeContext
  ) {
    backward(
      yGradient, x: x, xGradient: xGradient, pass: GradientPass(store: store, context: context))
  }

  /// The same as `pass` says it.
  package func backward(
    _ yGradient: Tensor, x: Tensor, xGradient: Tensor?, pass: GradientPass
  ) {
    let w = pass.store.value(weight)
    if pass.hasParameters {
      if let product {
        product.addGradients(yGradient, x: x, weight: weight, bias: bias, pass: pass)
      } else {
        addWeightGradient(yGradient, x: x, pass: pass)
        pass.addBiasGradient(yGradient, of: bias)
      }
    }
    pass.finish(bias, weight)
    guard let xGradient else { return }
    if let product {
      return product.inputGradient(yGradient, into: xGradient, weight: w, context: pass.context)
    }
    let gradient = yGradient.pointer
    pass.context.pool.forEachShare(of: x.shape.batch) { rows, _ in
      for row in rows {
        let target = xGradient.pointer + row * inputs
        target.update(repeating: 0, count: inputs)
        for o in 0..<outputs {
          let factor = gradient[row * outputs + o]
          for i in 0..<inputs { target[i] += factor * w[o * inputs + i] }
        }
      }
    }
  }

  /// Each output's sums run over the images in order, on one thread: the same bits for any number.
  func addWeightGradient(_ yGradient: Tensor, x: Tensor, pass: GradientPass) {
    let gradient = yGradient.pointer
    pass.addGradient(at: weight.offset, count: weight.count, batch: x.shape.batch) { images, all in
      nonisolated(unsafe) let all = all
      pass.context.pool.forEachShare(of: outputs) { share, _ in
        for o in share {
          let sums = all + o * inputs
          for row in images {
            let factor = Double(gradient[row * outputs + o])
            let features = x.pointer + row * inputs
            for i in 0..<inputs { sums[i] += factor * Double(features[i]) }
          }
        }
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
