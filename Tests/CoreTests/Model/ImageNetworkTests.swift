import Core
import Distributed
import TestSupport
import Testing

/// Networks from images to maps: their gradients are those of finite differences.
@Suite struct ImageNetworkTests {
  private let context = ComputeContext(threads: 2, convolution: .im2col)
  private static let shape = Shape(batch: 0, height: 16, width: 16, channels: 3)

  static let networks: [(String, @Sendable () -> ImageNetwork)] = [
    ("pattern", { .pattern(outputs: 2, images: shape) }),
    ("noise", { .noiseAutoencoder(images: shape) }),
  ]

  private struct Problem {
    let network: ImageNetwork
    let images: Tensor
    let weights: [Float]
    let context: ComputeContext

    init(_ make: () -> ImageNetwork, _ context: ComputeContext) {
      self.context = context
      network = make()
      Initializer.initialize(network.store, seed: 3)
      var stream = RandomStream(seed: 5, purpose: .test)
      images = Tensor(
        shape.withBatch(2), in: FloatBuffer((0..<2 * 768).map { _ in stream.nextNormal() }))
      // Running statistics as after some batches, so that no map is far from its BatchNorm's.
      for _ in 0..<60 {
        _ = network.forward(images, mode: .training, context: context)
      }
      weights = (0..<network.outputShape.withBatch(2).count).map { _ in stream.nextNormal() }
    }

    /// A weighted sum of the maps, in double.
    func value() -> Double {
      let maps = network.forward(images, mode: .differentiating, context: context)
      return zip(maps.array, weights).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
  }

  /// The derivative of `value` in the direction of `gradient` itself is its squared norm.
  private func ratio(
    _ values: UnsafeMutablePointer<Float>, _ gradient: [Float], step: Float,
    value: () -> Double
  ) -> Double {
    let before = gradient.indices.map { values[$0] }
    let norm = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    func moved(_ sign: Float) -> Double {
      for place in before.indices {
        values[place] = before[place] + sign * step * gradient[place] / Float(norm)
      }
      return value()
    }
    let slope = (moved(1) - moved(-1)) / Double(2 * step)
    for place in before.indices { values[place] = before[place] }
    return slope / norm
  }

  @Test(arguments: [0, 1]) func gradientsAreThoseOfFiniteDifferences(index: Int) {
    let problem = Problem(Self.networks[index].1, context)
    let (network, images) = (problem.network, problem.images)
    _ = problem.value()
    let gradient = Tensor(images.shape)
    network.store.clearGradients(wide: false)
    network.backward(
      Tensor(network.outputShape.withBatch(2), in: FloatBuffer(problem.weights)),
      reach: .all(gradient), context: context)
    let parameters = network.store.gradients.array
    let byImages = ratio(images.pointer, gradient.array, step: 2e-4, value: problem.value)
    #expect(abs(byImages - 1) < 2e-2, "images of \(Self.networks[index].0): \(byImages)")
    let byParameters = ratio(
      network.store.values.pointer, parameters, step: 3e-5, value: problem.value)
    #expect(abs(byParameters - 1) < 2e-2, "parameters: \(byParameters)")
  }

  @Test func twoWithOneStoreAnswerForThemselves() {
    let one = ImageNetwork.pattern(outputs: 1, images: Self.shape)
    let other = ImageNetwork.pattern(outputs: 1, images: Self.shape, store: one.store)
    Initializer.initialize(one.store, seed: 1)
    let images = Tensor(Self.shape.withBatch(1))
    images.pointer[5] = 1
    let first = one.forward(images, mode: .evaluating, context: context)
    let kept = first.array
    images.pointer[5] = -1
    let second = other.forward(images, mode: .evaluating, context: context)
    #expect(first.array == kept && second.array != kept)
  }
}
