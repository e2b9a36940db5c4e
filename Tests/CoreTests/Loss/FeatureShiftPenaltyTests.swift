import Core
import Distributed
import TestSupport
import Testing

/// A head [12] → [10] whose weight is `linear/weight` of the formula.
private struct HeadCase {
  let head: Linear
  let store: ParameterStore

  init() {
    var plan = ParameterLayoutPlan()
    head = Linear("linear", inputs: 12, outputs: 10, plan: &plan)
    store = ParameterStore(plan)
    store.set(head.weight, to: Formula.tensor("linear/weight", count: 120))
    store.set(head.bias, to: Formula.tensor("linear/bias", count: 10))
  }
}

@Suite("FeatureShiftPenalty")
struct FeatureShiftPenaltyTests {
  @Test func valueIsTheInnerProductWithTheOriginalWeight() {
    let test = HeadCase()
    let original = Formula.tensor("linear/weight", count: 120)
    let penalty = FeatureShiftPenalty(head: test.head, of: test.store, alpha: 0.1)
    expectClose(
      penalty.value(head: test.head, of: test.store), 0.1 * dot(original, original),
      relative: 1e-12)
    let moved = Formula.tensor("moved", count: 120)
    test.store.set(test.head.weight, to: moved)
    expectClose(
      penalty.value(head: test.head, of: test.store), 0.1 * dot(original, moved), relative: 1e-12)
  }

  @Test func gradientIsAlphaTimesTheOriginalWeightAndSpareTheBias() {
    let test = HeadCase()
    let penalty = FeatureShiftPenalty(head: test.head, of: test.store, alpha: 0.1)
    test.store.gradients.floats.update(repeating: 1)
    penalty.addGradient(head: test.head, of: test.store)
    let expected = penalty.originalWeight.map { 1 + 0.1 * $0 }
    expectClose(Array(test.store.gradients.array[..<120]), expected, relative: 1e-6)
    #expect(test.store.gradients.array[120...].allSatisfy { $0 == 1 })
  }

  @Test func projectionRestoresNormAndKeepsDirectionAndBias() {
    let test = HeadCase()
    let penalty = FeatureShiftPenalty(head: test.head, of: test.store, alpha: 0)
    let moved = Formula.tensor("moved", count: 120, scale: 0.01)
    let bias = Array(test.store.values.array[120...])
    test.store.set(test.head.weight, to: moved)
    penalty.project(head: test.head, of: test.store)
    let weight = Array(test.store.values.array[..<120])
    expectClose(dot(weight, weight).squareRoot(), penalty.originalNorm, relative: 1e-6)
    let factor = Float(penalty.originalNorm / dot(moved, moved).squareRoot())
    expectClose(weight, moved.map { $0 * factor }, relative: 1e-6)
    #expect(Array(test.store.values.array[120...]) == bias)
  }

  @Test func projectionOfTheOriginalWeightChangesNothing() {
    let test = HeadCase()
    let before = test.store.values.array
    FeatureShiftPenalty(head: test.head, of: test.store, alpha: 0.1)
      .project(head: test.head, of: test.store)
    expectClose(test.store.values.array, before, relative: 1e-7)
  }

  @Test func zeroWeightSurvivesProjection() {
    let test = HeadCase()
    let penalty = FeatureShiftPenalty(head: test.head, of: test.store, alpha: 0.1)
    test.store.values.clear()
    penalty.project(head: test.head, of: test.store)
    #expect(test.store.values.array.allSatisfy { $0 == 0 })
  }
}
