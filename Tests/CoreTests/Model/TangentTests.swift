import Core
import Distributed
import TestSupport
import Testing

/// The tangent of a network; see Note [Tangents].
@Suite struct TangentTests {
  /// A network with the images of a golden batch behind it, a tangent and something at the logits.
  private struct Case {
    let thin: ThinModel
    let t: Tensor
    let g: Tensor
    let moved: Tensor

    init(_ kind: NetworkKind) throws {
      thin = try ThinModel.golden(kind, convolution: .im2col)
      let images = try ThinModel.goldenBatch(kind, 0).images
      t = Tensor(images.shape)
      for place in 0..<t.shape.count { t.pointer[place] = Float((place * 7 + 3) % 11) / 11 - 0.4 }
      _ = thin.model.forward(images, mode: .differentiating, context: thin.context)
      moved = thin.model.tangent(t, context: thin.context)
      g = Tensor(moved.shape)
      for place in 0..<g.shape.count { g.pointer[place] = Float((place * 5 + 1) % 7) / 7 - 0.3 }
    }

    var product: Double {
      (0..<g.shape.count).reduce(0) { $0 + Double(g.pointer[$1]) * Double(moved.pointer[$1]) }
    }

    /// The sum of the products of a parameter and its gradient.
    func product(of name: String) -> Double {
      guard let slot = thin.store.plan.parameters.first(where: { $0.name == name }) else {
        return 0
      }
      let (values, gradients) = (thin.store.value(slot), thin.store.gradient(slot))
      return (0..<slot.count).reduce(0) { $0 + Double(values[$1]) * Double(gradients[$1]) }
    }
  }

  @Test(arguments: ThinModel.kinds) func tangentsAreBackwardsTranspose(kind: NetworkKind) throws {
    let given = try Case(kind)
    #expect(given.thin.model.hasTangents)
    let gradient = Tensor(given.t.shape)
    given.thin.model.backward(
      given.g, reach: .images(gradient), context: given.thin.context)
    let other = (0..<given.t.shape.count).reduce(0.0) {
      $0 + Double(gradient.pointer[$1]) * Double(given.t.pointer[$1])
    }
    expectClose(other, given.product, relative: 1e-4, "Jᵀ g · t")
  }

  /// All of a tangent goes through stem and head, and is linear in each of them.
  @Test(arguments: ThinModel.kinds) func gradientsAreThoseOfALinearMap(kind: NetworkKind) throws {
    let given = try Case(kind)
    given.thin.store.gradients.clear()
    given.thin.model.tangentBackward(given.g, context: given.thin.context)
    for name in ["conv1.weight", "linear.weight"] {
      expectClose(given.product(of: name), given.product, relative: 1e-4, name)
    }
    if kind == .resnet18 {
      expectClose(given.product(of: "bn1.weight"), given.product, relative: 1e-4, "bn1.weight")
    }
    for name in ["bn1.bias", "layer1.0.bn2.bias", "linear.bias"] {
      #expect(given.product(of: name) == 0, "a tangent has no shifts")
    }
  }
}
