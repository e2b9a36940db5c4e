import Distributed

// The tangent of a network at the images of its last forward; see Note [Tangents].

extension Network {
  /// Whether its tangent can be taken: all its blocks are linear but for ReLUs.
  package var hasTangents: Bool { blocks.allSatisfy { $0 is any LinearizedBlock } }

  /// What the logits of the last forward, in the mode `differentiating`, move by where its images
  /// move by `t`: [N, H, W, C] → [N, 1, 1, classes].
  package func tangent(
    _ t: Tensor, hooks: PassHooks = PassHooks(), context: ComputeContext
  ) -> Tensor {
    let pass = GradientPass(store: store, context: context, hooks: hooks)
    var moved = t
    for (block, x) in zip(blocks, inputs) {
      guard let block = block as? any LinearizedBlock else {
        preconditionFailure("a block without tangent")
      }
      moved = block.tangent(moved, x: x, pass: pass)
    }
    featureTangent = moved
    let result = Tensor(Shape(batch: t.shape.batch, height: 1, width: 1, channels: head.outputs))
    let weights = store.value(head.weight)
    for row in 0..<t.shape.batch {
      for o in 0..<head.outputs {
        var sum = 0.0
        for i in 0..<head.inputs {
          sum +=
            Double(weights[o * head.inputs + i]) * Double(moved.pointer[row * head.inputs + i])
        }
        result.pointer[row * head.outputs + o] = Float(sum)
      }
    }
    return result
  }

  /// Adds the parameters' gradients of <`gradient`, the last tangent>.
  package func tangentBackward(
    _ gradient: Tensor, hooks: PassHooks = PassHooks(), context: ComputeContext
  ) {
    guard let moved = featureTangent else { preconditionFailure("backward before the tangent") }
    let pass = GradientPass(store: store, context: context, hooks: hooks)
    let (inputs, outputs) = (head.inputs, head.outputs)
    let weights = store.value(head.weight)
    var carried = Tensor(moved.shape)
    for o in 0..<outputs {
      for row in 0..<moved.shape.batch {
        let factor = gradient.pointer[row * outputs + o]
        for i in 0..<inputs {
          carried.pointer[row * inputs + i] += factor * weights[o * inputs + i]
        }
      }
    }
    head.addWeightGradient(gradient, x: moved, pass: pass)
    for (block, x) in zip(blocks, self.inputs).reversed() {
      guard let block = block as? any LinearizedBlock else { continue }
      carried = block.tangentBackward(carried, x: x, pass: pass)
    }
  }
}
