/// Feature Shift Tuning's term and constraint on the head's weight (FST paper, equation 2).
///
/// penalty = α ⟨ω, ω_ori⟩ with ω_ori the attacked model's head weight; after each step ω is
/// rescaled to ‖ω_ori‖ (Frobenius). The bias takes part in neither. Shapes: ω, ω_ori [classes,
/// features].
public struct FeatureShiftPenalty: Sendable {
  /// ω_ori, row-major.
  public let originalWeight: [Float]
  /// ‖ω_ori‖.
  public let originalNorm: Double
  /// α; 0 leaves only the constraint.
  public let alpha: Double

  /// Keeps a copy of the head's weight as it is now.
  public init(head: Linear, of store: ParameterStore, alpha: Double) {
    let weight = UnsafeBufferPointer(start: store.value(head.weight), count: head.weight.count)
    originalWeight = Array(weight)
    originalNorm = weight.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    self.alpha = alpha
  }

  /// α ⟨ω, ω_ori⟩.
  public func value(head: Linear, of store: ParameterStore) -> Double {
    let weight = store.value(head.weight)
    var product = 0.0
    for (index, original) in originalWeight.enumerated() {
      product += Double(weight[index]) * Double(original)
    }
    return alpha * product
  }

  /// Adds α ω_ori to the weight's gradient; of all ranks that train together one alone does.
  public func addGradient(head: Linear, of store: ParameterStore) {
    store.addGradient(originalWeight.map { alpha * Double($0) }[...], at: head.weight.offset)
  }

  /// ω ← ω ‖ω_ori‖ / ‖ω‖, leaving the optimizer's momentum as it is.
  public func project(head: Linear, of store: ParameterStore) {
    let weight = store.value(head.weight)
    var squares = 0.0
    for index in 0..<head.weight.count { squares += Double(weight[index]) * Double(weight[index]) }
    guard squares > 0 else { return }
    let factor = Float(originalNorm / squares.squareRoot())
    for index in 0..<head.weight.count { weight[index] *= factor }
  }
}
