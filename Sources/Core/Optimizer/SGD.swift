import Distributed

/// Stochastic gradient descent with momentum and weight decay (PyTorch `SGD`, no dampening, no
/// Nesterov).
///
/// g = gradient + weightDecay w; v = momentum v + g; w = w - learningRate v. It owns v, one float
/// for each parameter, zero at the start.
public final class SGD: Optimizer {
  /// μ.
  public let momentum: Float
  /// λ; PyTorch applies it to every parameter, BatchNorm's and biases included.
  public let weightDecay: Float
  /// v, in the order of the parameters.
  public let velocity: FloatBuffer
  /// Steps that were begun.
  public var stepCount = 0

  /// The velocity alone.
  public var state: [FloatBuffer] { [velocity] }

  /// An optimizer for `store`'s parameters.
  public init(for store: ParameterStore, momentum: Double, weightDecay: Double) {
    self.momentum = Float(momentum)
    self.weightDecay = Float(weightDecay)
    velocity = FloatBuffer(count: store.values.count)
  }

  /// Moves the parameters in `range`; the others stay as they are.
  public func step(
    _ store: ParameterStore, range: Range<Int>, learningRate: Double, context: ComputeContext
  ) {
    let rate = Float(learningRate)
    let (w, g, v) = (store.values.pointer, store.gradients.pointer, velocity.pointer)
    context.pool.forEachShare(of: range.count) { share, _ in
      for index in range.lowerBound + share.lowerBound..<range.lowerBound + share.upperBound {
        let velocity = momentum * v[index] + (g[index] + weightDecay * w[index])
        v[index] = velocity
        w[index] -= rate * velocity
      }
    }
  }
}
