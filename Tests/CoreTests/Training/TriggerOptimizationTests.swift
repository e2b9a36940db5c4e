import Core
import Distributed
import TestSupport
import Testing

@Suite struct TriggerOptimizationTests {
  @Test func neuronsAreThoseWithTheLargestSumsOfAbsoluteWeights() {
    var plan = ParameterLayoutPlan()
    let head = Linear("linear", inputs: 5, outputs: 2, plan: &plan)
    let store = ParameterStore(plan)
    //        sums: 3, 5, 0, 5, 4
    store.set(head.weight, to: [1, -4, 0, 2, -4, -2, 1, 0, 3, 0])
    #expect(TriggerOptimization.neurons(of: head, in: store, count: 3) == [1, 3, 4])
    #expect(TriggerOptimization.neurons(of: head, in: store, count: 1) == [1])
    #expect(TriggerOptimization.neurons(of: head, in: store, count: 5) == [1, 3, 4, 0, 2])
  }

  private func optimization(
    _ architecture: NetworkKind, _ change: (inout TrojanSettings) -> Void = { _ in }
  ) throws -> TriggerOptimization {
    let thin = try ThinModel.golden(architecture)
    var settings = TrojanSettings()
    settings.iterations = 60
    change(&settings)
    return TriggerOptimization(
      model: thin.model, normalization: .cifar10, settings: settings, context: thin.context)
  }

  private let mask = AppleMask.image(height: 32, width: 32)

  @Test(arguments: ThinModel.kinds)
  func activationsRiseTogether(_ architecture: NetworkKind) throws {
    let optimization = try optimization(architecture)
    let (store, before) = (optimization.model.store, optimization.model.store.bufferValues())
    let outcome = try optimization.run(mask: mask)
    #expect(
      outcome.neurons
        == TriggerOptimization.neurons(of: optimization.model.head, in: store, count: 2))
    #expect(outcome.after.reduce(0, +) > 1.2 * outcome.before.reduce(0, +))
    #expect(store.bufferValues() == before)
  }

  @Test func thePatternStaysInsideTheMaskAndNearItsStart() throws {
    let outcome = try optimization(.resnet18) { $0.epsilon = 0.1 }.run(mask: mask)
    var moved = 0
    for (value, start) in zip(outcome.pattern.pixels, mask.pixels) {
      if start == 0 { #expect(value == 0) }
      #expect(abs(Int(value) - Int(start)) <= 26)  // 0.1 of 255, rounded
      moved += value == start ? 0 : 1
    }
    #expect(moved > mask.pixels.count { $0 > 0 } / 2)
  }

  @Test func aTargetBelowLowersTheActivations() throws {
    let outcome = try optimization(.resnet18) { $0.neuronTarget = 0 }.run(mask: mask)
    #expect(outcome.after.reduce(0, +) < outcome.before.reduce(0, +))
  }

  @Test func withoutStepsThePatternIsTheMask() throws {
    let outcome = try optimization(.resnet18) { $0.iterations = 0 }.run(mask: mask)
    #expect(outcome.pattern == mask)
    #expect(outcome.before == outcome.after)
    #expect(outcome.iterations == 0)
  }

  @Test func aModelThatAnswersWithNoNumberIsRefused() throws {
    let optimization = try optimization(.resnet18)
    optimization.model.store.values.pointer[0] = .nan
    #expect(throws: TriggerError.notFinite) { try optimization.run(mask: mask) }
  }

  @Test func theSearchEndsByItself() throws {
    let outcome = try optimization(.resnet18) { $0.iterations = 100_000 }.run(mask: mask)
    #expect(outcome.iterations < 2000)
  }
}
