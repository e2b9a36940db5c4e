import Distributed

/// Memory that backward passes share between blocks; it owns three buffers of the largest
/// activation.
///
/// Two carry the gradient from block to block, one is for use inside a block.
final class GradientWorkspace {
  private let carried: [FloatBuffer]
  private let innerBuffer: FloatBuffer
  private var current = 0

  /// Room for activations of up to `largest` floats.
  init(largest: Int) {
    carried = [FloatBuffer(count: largest), FloatBuffer(count: largest)]
    innerBuffer = FloatBuffer(count: largest)
  }

  /// The carried gradient as a tensor of `shape`.
  func carriedGradient(_ shape: Shape) -> Tensor { Tensor(shape, in: carried[current]) }

  /// The other carried buffer, as a tensor of `shape`; it is the carried one from then on.
  ///
  /// A block writes its input's gradient there when that has another shape than its output's.
  func nextCarriedGradient(_ shape: Shape) -> Tensor {
    current = 1 - current
    return carriedGradient(shape)
  }

  /// What `nextCarriedGradient` will yield, for use inside a block until then.
  func spare(_ shape: Shape) -> Tensor { Tensor(shape, in: carried[1 - current]) }

  /// The buffer for use inside a block, as a tensor of `shape`.
  func inner(_ shape: Shape) -> Tensor { Tensor(shape, in: innerBuffer) }
}
