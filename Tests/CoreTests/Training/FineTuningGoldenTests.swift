import Core
import Distributed
import TestSupport
import Testing

/// The tuning modes, step by step, against PyTorch: SGD without weight decay, and the head's weight
/// scaled back to its first norm after every step of every mode.
@Suite("Fine-tuning goldens")
struct FineTuningGoldenTests {
  static let modes: [FineTuningMode] = [.ft, .ftInit, .feTuning, .lp, .fst]

  @Test(arguments: ModelArchitecture.allCases, modes)
  func stepsEqualGolden(_ architecture: ModelArchitecture, mode: FineTuningMode) throws {
    let golden = try ThinModel.loadGolden(architecture).branch(mode.rawValue)
    let thin = try ThinModel.golden(architecture)
    let head = thin.model.head
    let penalty = FeatureShiftPenalty(head: head, of: thin.store, alpha: 0.1)
    expectClose(penalty.originalNorm, try golden.number("original_norm"), relative: 1e-6, "norm")
    if mode != .ft && mode != .lp { replaceHead(thin) }
    let optimizer = SGD(for: thin.store, momentum: 0.9, weightDecay: 0)
    let trained = mode == .lp ? thin.head : mode == .feTuning ? thin.backbone : thin.whole
    for (step, expected) in try golden.numbers("losses").enumerated() {
      let product = penalty.value(head: head, of: thin.store) / penalty.alpha
      expectClose(
        product, try golden.numbers("inner_products")[step], relative: 1e-5, "product \(step)")
      var (loss, _) = thin.forwardBackward(
        ThinModel.goldenBatch(step), extent: mode == .lp ? .head : .all)
      if mode == .fst {
        loss += penalty.value(head: head, of: thin.store)
        penalty.addGradient(share: 1, head: head, of: thin.store)
      }
      expectClose(loss, expected, relative: 1e-5, "loss \(step)")
      if mode != .feTuning {
        let gradient = thin.store.parameterGradients()["linear.weight"] ?? []
        expectClose(
          gradient, try golden.tensor("head_gradients/\(step)"), relative: 1e-4, "head \(step)")
      }
      optimizer.step(thin.store, range: trained, learningRate: 0.01, context: thin.context)
      penalty.project(head: head, of: thin.store)
    }
    expectAllClose(
      thin.state(), try golden.tensors("after"), relative: 1e-5, "after \(mode.rawValue)")
  }

  /// The re-initialised head of the goldens.
  private func replaceHead(_ thin: ThinModel) {
    for slot in [thin.model.head.weight, thin.model.head.bias] {
      let key = slot.name.replacing("linear.", with: "head/")
      thin.store.set(
        slot, to: Formula.tensor(key, count: slot.count, scale: Formula.headScale))
    }
  }
}
