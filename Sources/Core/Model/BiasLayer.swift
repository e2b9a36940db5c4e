import Distributed

/// What a convolution without BatchNorm adds to each channel, with the ReLU that may follow.
///
/// y = [max 0](x + bias). Shapes: x, y [N, H, W, C]; bias [C].
final class BiasLayer {
  /// The bias's place in the parameters.
  let slot: ParameterSlot
  private let ones: FloatBuffer

  /// A layer of the bias that is registered as `slot`.
  init(_ slot: ParameterSlot) {
    self.slot = slot
    ones = FloatBuffer([Float](repeating: 1, count: slot.count))
  }

  /// The map y = x + bias.
  func affine(_ store: ParameterStore) -> ChannelAffine {
    ChannelAffine(scale: ones.pointer, shift: store.value(slot))
  }

  /// The same as what a convolution does to its output.
  func finish(relu: Bool, store: ParameterStore) -> ConvolutionFinish {
    ConvolutionFinish(affine: affine(store), relu: relu)
  }

  /// Masks `yGradient` where `reluOutput` is not positive, and adds its sums to the bias's gradient.
  ///
  /// What one image adds is computed alone: see Note [Sums that do not depend on the world].
  func backward(_ yGradient: Tensor, reluOutput: Tensor?, pass: GradientPass) {
    let channels = slot.count
    var sums = [[Double]](
      repeating: [Double](repeating: 0, count: channels), count: pass.context.threads)
    sums.withUnsafeMutableBufferPointer { sums in
      nonisolated(unsafe) let sums = sums
      pass.context.forEachImage(yGradient.shape) { pixels, thread in
        var own = [Double](repeating: 0, count: channels)
        for place in pixels.lowerBound * channels..<pixels.upperBound * channels {
          if let reluOutput, reluOutput.pointer[place] <= 0 { yGradient.pointer[place] = 0 }
          own[place % channels] += Double(yGradient.pointer[place])
        }
        for c in 0..<channels { sums[thread][c] += own[c] }
      }
    }
    var total = [Double](repeating: 0, count: channels)
    for part in sums { for c in 0..<channels { total[c] += part[c] } }
    pass.addGradient(total[...], at: slot.offset)
    pass.finish(slot)
  }
}
