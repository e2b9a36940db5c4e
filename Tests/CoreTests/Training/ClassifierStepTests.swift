import Core
import Distributed
import TestSupport
import Testing

/// One rank's training step against PyTorch.
///
/// Tuning is SGD without weight decay, and in every mode the head's weight is scaled back to its
/// first norm after each step.
@Suite("ClassifierStep")
struct ClassifierStepTests {
  static let modes: [FineTuningMode] = [.ft, .ftInit, .feTuning, .lp, .fst]

  @Test(arguments: ThinModel.kinds)
  func attackTrainingStepsEqualGolden(_ architecture: NetworkKind) throws {
    let golden = try ThinModel.loadGolden(architecture).branch("sgd")
    let thin = try ThinModel.golden(architecture)
    let step = ClassifierStep(
      model: thin.model, optimizer: SGD(for: thin.store, momentum: 0.9, weightDecay: 5e-4),
      loss: CrossEntropy(), largestShare: 4, communicator: SoloCommunicator(),
      context: thin.context)
    for (index, expected) in try golden.numbers("losses").enumerated() {
      let batch = try ThinModel.goldenBatch(architecture, index).batch
      let loss = try step.run(batch, at: Moment(learningRate: 0.05)).crossEntropy.lossSum
      expectClose(loss / Double(batch.count), expected, relative: 1e-5, "loss \(index)")
    }
    expectAllClose(thin.state(), try golden.tensors("after"), relative: 1e-5, "after")
  }

  @Test(arguments: ThinModel.kinds, modes)
  func tuningStepsEqualGolden(_ architecture: NetworkKind, mode: FineTuningMode) throws {
    let golden = try ThinModel.loadGolden(architecture).branch(mode.rawValue)
    let thin = try ThinModel.golden(architecture)
    let penalty = FeatureShiftPenalty(
      head: thin.model.head, of: thin.store, alpha: mode == .fst ? 0.1 : 0)
    expectClose(penalty.originalNorm, try golden.number("original_norm"), relative: 1e-6, "norm")
    if mode != .ft && mode != .lp { replaceHead(thin) }
    let step = ClassifierStep(
      model: thin.model, optimizer: SGD(for: thin.store, momentum: 0.9, weightDecay: 0),
      loss: CrossEntropy(), penalty: penalty,
      trainable: mode == .lp ? .head : mode == .feTuning ? .backbone : .all, largestShare: 4,
      communicator: SoloCommunicator(), context: thin.context)
    for (index, expected) in try golden.numbers("losses").enumerated() {
      let batch = try ThinModel.goldenBatch(architecture, index).batch
      let result = try step.run(batch, at: Moment(learningRate: 0.01))
      let entropy = result.crossEntropy.lossSum / Double(batch.count)
      expectClose(entropy + result.penalty, expected, relative: 1e-5, "loss \(index)")
      expectClose(
        entropy, try golden.numbers("cross_entropies")[index], relative: 1e-5, "entropy \(index)")
      if mode != .feTuning {
        let gradient = thin.store.parameterGradients()["linear.weight"] ?? []
        expectClose(
          gradient, try golden.tensor("head_gradients/\(index)"), relative: 1e-4, "head \(index)")
      }
    }
    expectAllClose(thin.state(), try golden.tensors("after"), relative: 1e-5, mode.rawValue)
  }

  /// The re-initialised head of the goldens.
  private func replaceHead(_ thin: ThinModel) {
    for slot in [thin.model.head.weight, thin.model.head.bias] {
      let key = slot.name.replacing("linear.", with: "head/")
      thin.store.set(slot, to: Formula.tensor(key, count: slot.count, scale: Formula.headScale))
    }
  }
}
