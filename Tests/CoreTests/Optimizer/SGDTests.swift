import Core
import TestSupport
import Testing

@Suite("SGD")
struct SGDTests {
  /// A store of one parameter of `count` floats with values and gradients of the formula.
  private func store(count: Int) -> ParameterStore {
    var plan = ParameterLayoutPlan()
    _ = plan.parameter("weight", shape: [count], role: .matrix)
    let store = ParameterStore(plan)
    store.values.fill(from: Formula.tensor("value", count: count))
    store.gradients.fill(from: Formula.tensor("gradient", count: count))
    return store
  }

  /// The recurrence in float64: g + λw, v = μv + …, w -= rate v.
  @Test(arguments: [1, 7, 1000], [1, 3])
  func threeStepsFollowTheRecurrence(_ count: Int, threads: Int) {
    let (store, context) = (store(count: count), ComputeContext(threads: threads))
    let optimizer = SGD(for: store, momentum: 0.9, weightDecay: 5e-4)
    var value = store.values.array.map { Double($0) }
    var velocity = [Double](repeating: 0, count: count)
    for rate in [0.05, 0.02, 0.1] {
      optimizer.step(store, range: 0..<count, learningRate: rate, context: context)
      for i in 0..<count {
        velocity[i] = 0.9 * velocity[i] + Double(store.gradients.array[i]) + 5e-4 * value[i]
        value[i] -= rate * velocity[i]
      }
    }
    expectClose(store.values.array, value.map { Float($0) }, relative: 2e-7)
    expectClose(optimizer.velocity.array, velocity.map { Float($0) }, relative: 2e-7)
  }

  @Test func parametersOutsideTheRangeStayAsTheyAre() {
    let store = store(count: 20)
    let before = store.values.array
    let optimizer = SGD(for: store, momentum: 0.9, weightDecay: 5e-4)
    optimizer.step(store, range: 5..<9, learningRate: 0.1, context: ComputeContext(threads: 3))
    for index in 0..<20 {
      #expect((store.values.array[index] != before[index]) == (5..<9).contains(index))
      #expect((optimizer.velocity.array[index] != 0) == (5..<9).contains(index))
    }
  }

  @Test func threadsChangeNoBit() {
    let stores = [1, 2, 5].map { threads in
      let store = store(count: 333)
      let optimizer = SGD(for: store, momentum: 0.9, weightDecay: 5e-4)
      for _ in 0..<3 {
        optimizer.step(
          store, range: 0..<333, learningRate: 0.1, context: ComputeContext(threads: threads))
      }
      return store.values.array
    }
    #expect(stores[0] == stores[1] && stores[1] == stores[2])
  }
}
