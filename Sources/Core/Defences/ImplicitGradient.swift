import Distributed

/// The implicit part of i-bau's hypergradient: what the parameters do to the loss by way of the change
/// w, which they have brought about.
///
/// With φ(w) = w - r ∇ Li(w), Li = -CE(f(x₀ + w), y₀) + d ‖w‖² on one batch, and g the gradient by w of
/// the outer loss: v = 0, then K times v ← v - r H v + g, H = 2 d - Jᵀ S J / B being Li's second
/// derivative. The part is -r times the gradient by the parameters of <∇ Li, v> = -Σ <p - onehot, J v>
/// / B + 2 d <w, v>. J is the logits' derivative by the images, S = diag p - p pᵀ; both products are
/// exact, by tangents: see Note [Tangents].
package struct ImplicitGradient {
  let passes: SharedPasses
  /// x₀ and y₀, this rank's share.
  let batch: Batch
  /// r, d and K.
  let rate, decay: Double
  let products: Int
  let communicator: any Communicator
  let moment: Moment

  /// The part for `batch` by the passes of its network.
  package init(
    _ passes: SharedPasses, batch: Batch, settings: ImplicitUnlearning,
    communicator: any Communicator, at moment: Moment
  ) {
    (self.passes, self.batch, self.communicator) = (passes, batch, communicator)
    (rate, decay, products) = (settings.innerRate, settings.decay, settings.products)
    self.moment = moment
  }

  /// Adds this rank's share of the part to the gradients, given `images` = x₀ + w and g; the v that it
  /// was taken along.
  ///
  /// The forward's activations are those of `images` then. All ranks call it together.
  package func add(_ images: FloatBuffer, outer g: [Double]) throws -> [Double] {
    let logits = try passes.forward(batch, images: images, mode: .differentiating, at: moment)
    let p = Classes.probabilities(logits)
    var v = [Double](repeating: 0, count: g.count)
    for _ in 0..<products {
      let slope = try product(v, p)
      let next = v.indices.map { v[$0] - rate * slope[$0] + g[$0] }
      let moved = zip(next, v).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      v = next
      if moved.squareRoot() < 1e-10 { break }
    }
    let tangent = try passes.tangent(along(v), of: batch, at: moment)
    try passes.backward(
      curved(tangent, p, times: rate), of: batch, reach: .parameters, at: moment)
    let slopes = Tensor(tangent.shape)
    for (image, p) in p.enumerated() {
      for k in p.indices {
        let error = p[k] - (k == Int(batch.labels[image]) ? 1 : 0)
        slopes.pointer[image * p.count + k] = Float(rate * error / Double(batch.globalCount))
      }
    }
    try passes.tangentBackward(slopes, of: batch, at: moment)
    return v
  }

  /// H v, the same on all ranks, at the images of the last forward with the probabilities `p`.
  package func product(_ v: [Double], _ p: [[Double]]) throws -> [Double] {
    let tangent = try passes.tangent(along(v), of: batch, at: moment)
    let gradient = Tensor(passes.network.inputShape.withBatch(batch.count))
    try passes.backward(
      curved(tangent, p, times: 1), of: batch, reach: .images(gradient), at: moment)
    var sums = [Double](repeating: 0, count: v.count)
    for place in 0..<gradient.shape.count {
      sums[place % v.count] += Double(gradient.pointer[place])
    }
    try communicator.allReduceSum(&sums)
    return v.indices.map { 2 * decay * v[$0] - sums[$0] }
  }

  /// `v` for each image.
  private func along(_ v: [Double]) -> Tensor {
    let t = Tensor(passes.network.inputShape.withBatch(batch.count))
    for place in 0..<t.shape.count { t.pointer[place] = Float(v[place % v.count]) }
    return t
  }

  /// `factor` S `tangent` / B.
  private func curved(_ tangent: Tensor, _ p: [[Double]], times factor: Double) -> Tensor {
    let result = Tensor(tangent.shape)
    for (image, p) in p.enumerated() {
      let row = p.indices.map { Double(tangent.pointer[image * p.count + $0]) }
      let mean = zip(p, row).reduce(0) { $0 + $1.0 * $1.1 }
      for k in p.indices {
        result.pointer[image * p.count + k] = Float(
          factor * p[k] * (row[k] - mean) / Double(batch.globalCount))
      }
    }
    return result
  }
}
