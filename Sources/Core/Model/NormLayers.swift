/// A batch normalisation as the state_dict shows it, which defences that prune channels ask for.
package struct NormLayer: Sendable {
  /// γ: [C].
  package let scale: ParameterSlot
  /// β: [C].
  package let shift: ParameterSlot
  /// The running variance: [C].
  package let variance: BufferSlot
  /// The kernel that stands last before it: [C, I, K, K]; nil where none does.
  package let kernel: ParameterSlot?

  /// The number of channels.
  package var channels: Int { scale.count }
}

extension ParameterLayoutPlan {
  /// All batch normalisations in module order.
  package var normLayers: [NormLayer] {
    var (layers, kernel, scale, shift) = (
      [NormLayer](), ParameterSlot?.none, ParameterSlot?.none, ParameterSlot?.none
    )
    for slot in state {
      switch slot {
      case .parameter(let parameter):
        switch parameter.role {
        case .kernel: kernel = parameter
        case .normScale: scale = parameter
        case .normShift: shift = parameter
        case .matrix, .bias: break
        }
      case .buffer(let buffer):
        guard buffer.name.hasSuffix("running_var"), let scale, let shift else { continue }
        layers.append(NormLayer(scale: scale, shift: shift, variance: buffer, kernel: kernel))
      case .counter: break
      }
    }
    return layers
  }
}
