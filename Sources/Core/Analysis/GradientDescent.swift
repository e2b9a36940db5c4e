import Distributed

/// Gradient descent with momentum and a gain for each coordinate, as t-SNE is optimised.
///
/// A gain grows by 0.2 where the gradient points against the last step, so that the step goes on in
/// its direction, and shrinks to 0.8 of itself where it turns (Jacobs 1988).
struct GradientDescent {
  /// The share of the last step that goes into the next.
  let momentum: Float
  /// η.
  let learningRate: Float
  private var steps: [Float]
  private var gains: [Float]

  private static let smallestGain: Float = 0.01

  /// A descent over `count` coordinates that begins at rest.
  init(count: Int, momentum: Float, learningRate: Float) {
    self.momentum = momentum
    self.learningRate = learningRate
    steps = [Float](repeating: 0, count: count)
    gains = [Float](repeating: 1, count: count)
  }

  /// Moves `positions` along `gradient` and returns the length of the gradient times the gains.
  mutating func step(_ positions: FloatBuffer, gradient: FloatBuffer) -> Double {
    var squares = 0.0
    for index in steps.indices {
      let slope = gradient.pointer[index]
      let gain = steps[index] * slope < 0 ? gains[index] + 0.2 : gains[index] * 0.8
      gains[index] = max(gain, Self.smallestGain)
      let scaled = slope * gains[index]
      squares += Double(scaled) * Double(scaled)
      steps[index] = momentum * steps[index] - learningRate * scaled
      positions.pointer[index] += steps[index]
    }
    return squares.squareRoot()
  }
}
