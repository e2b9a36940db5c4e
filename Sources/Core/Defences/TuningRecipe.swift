/// How one tuning mode differs from the others (FST paper, section 4; spelled as its code spells
/// them).
struct TuningRecipe: Equatable {
  /// Whether weight and bias of the head are drawn anew.
  let reinitializesHead: Bool
  /// What is trained; the backbone's running statistics move in every mode.
  let trainable: TrainableParameters
  /// Whether α ⟨ω, ω_ori⟩ is part of the loss; ‖ω‖ is held at ‖ω_ori‖ in every mode.
  let shiftsFeatures: Bool

  init(_ mode: FineTuningMode) {
    reinitializesHead = [.ftInit, .feTuning, .fst].contains(mode)
    shiftsFeatures = mode == .fst
    trainable =
      switch mode {
      case .lp: .head
      case .feTuning: .backbone
      case .ft, .ftInit, .fst: .all
      }
  }
}
