import Distributed

/// Memory that backward passes share between blocks; it owns four buffers of the largest
/// gradient so far.
///
/// Two carry the gradient from block to block, two are for use inside a block.
final class GradientWorkspace {
  private var carried = [FloatBuffer(count: 0), FloatBuffer(count: 0)]
  private var innerBuffers = [FloatBuffer(count: 0), FloatBuffer(count: 0)]
  private var current = 0

  /// The carried gradient as a tensor of `shape`.
  func carriedGradient(_ shape: Shape) -> Tensor { Self.tensor(shape, in: &carried[current]) }

  /// The other carried buffer, as a tensor of `shape`; it is the carried one from then on.
  ///
  /// A block writes its input's gradient there when that has another shape than its output's.
  func nextCarriedGradient(_ shape: Shape) -> Tensor {
    current = 1 - current
    return carriedGradient(shape)
  }

  /// What `nextCarriedGradient` will yield, for use inside a block until then.
  func spare(_ shape: Shape) -> Tensor { Self.tensor(shape, in: &carried[1 - current]) }

  /// Buffer 0 or 1 for use inside a block, as a tensor of `shape`.
  func inner(_ shape: Shape, index: Int = 0) -> Tensor {
    Self.tensor(shape, in: &innerBuffers[index])
  }

  private static func tensor(_ shape: Shape, in buffer: inout FloatBuffer) -> Tensor {
    if buffer.count < shape.count { buffer = FloatBuffer(count: shape.count) }
    return Tensor(shape, in: buffer)
  }
}
