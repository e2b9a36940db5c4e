import Distributed

/// A fully connected layer that is given each of its inputs `copies` times, one after the other.
///
/// The weights of an input's copies are added first, so that the products are those of a layer of
/// one copy; each copy's weight then has the same gradient. Shapes: x [N, 1, 1, I] → y [N, 1, 1, O];
/// weight [O, I copies], bias [O].
package final class RepeatedLinear: LinearLayer {
  let weight: ParameterSlot
  let bias: ParameterSlot
  package let outputs: Int
  private let copies: Int
  private let product: LinearProduct
  /// The sums of the copies' weights at the last forward pass, [O, I].
  private let sums: FloatBuffer

  /// Registers `name.weight` and `name.bias`.
  package init(
    _ name: String, inputs: Int, copies: Int, outputs: Int, plan: inout ParameterLayoutPlan
  ) {
    (self.copies, self.outputs) = (copies, outputs)
    product = LinearProduct(inputs: inputs, outputs: outputs)
    sums = FloatBuffer(count: outputs * inputs)
    weight = plan.parameter("\(name).weight", shape: [outputs, inputs * copies], role: .matrix)
    bias = plan.parameter("\(name).bias", shape: [outputs], role: .bias(fanIn: inputs * copies))
  }

  package func forward(_ x: Tensor, into y: Tensor, store: ParameterStore, context: ComputeContext)
  {
    let weights = UnsafePointer(store.value(weight))
    context.pool.forEachShare(of: sums.count) { range, _ in
      for index in range { sums.pointer[index] = sum(weights + index * copies) }
    }
    product.forward(
      x, into: y, weight: sums.pointer, bias: store.value(bias), context: context)
  }

  package func backward(_ yGradient: Tensor, x: Tensor, xGradient: Tensor?, pass: GradientPass) {
    if pass.hasParameters {
      pass.addBiasGradient(yGradient, of: bias)
      addWeightGradient(yGradient, x: x, pass: pass)
    }
    pass.finish(bias, weight)
    if let xGradient {
      product.inputGradient(
        yGradient, into: xGradient, weight: sums.pointer, context: pass.context)
    }
  }

  /// Each shard's apart where `pass` has shards: see Note [Sums that do not depend on the world].
  private func addWeightGradient(_ yGradient: Tensor, x: Tensor, pass: GradientPass) {
    let (store, context) = (pass.store, pass.context)
    let shards = pass.hooks.imageShards
    let memory = context.scratch.shared(sums.count + (shards == nil ? 0 : weight.count))
    let copied = shards == nil ? store.gradient(weight) : memory + sums.count
    for images in shards ?? [0..<x.shape.batch] {
      memory.update(repeating: 0, count: sums.count)
      product.addWeightGradient(yGradient, x, images: images, to: memory, context: context)
      if shards != nil { copied.update(repeating: 0, count: weight.count) }
      addToCopies(memory, of: copied, pool: context.pool)
      if shards != nil { store.addWideGradient([copied], of: weight, pool: context.pool) }
    }
  }

  private func addToCopies(
    _ gradient: UnsafeMutablePointer<Float>, of target: UnsafeMutablePointer<Float>,
    pool: ThreadPool
  ) {
    pool.forEachShare(of: sums.count) { range, _ in
      for index in range {
        let first = target + index * copies
        for copy in 0..<copies { first[copy] += gradient[index] }
      }
    }
  }

  private func sum(_ weights: UnsafePointer<Float>) -> Float {
    var lanes = SIMD16<Float>.zero
    var copy = 0
    while copy + 16 <= copies {
      lanes += UnsafeRawPointer(weights + copy).loadUnaligned(as: SIMD16<Float>.self)
      copy += 16
    }
    var sum = lanes.sum()
    while copy < copies {
      sum += weights[copy]
      copy += 1
    }
    return sum
  }
}
