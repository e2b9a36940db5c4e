import Distributed

/// An optimizer whose gradients are never cleared: it moves along the sum of all so far.
///
/// What some originals do where they forget to clear them. The sum is part of its state.
package final class Accumulating: Optimizer {
  private let base: any Optimizer
  private let sum: FloatBuffer

  /// `base` for `store`'s parameters, along the sums of their gradients.
  package init(_ base: any Optimizer, for store: ParameterStore) {
    self.base = base
    sum = FloatBuffer(count: store.gradients.count)
  }

  package var state: [FloatBuffer] { base.state + [sum] }
  package var stepCount: Int {
    get { base.stepCount }
    set { base.stepCount = newValue }
  }

  /// Moves the parameters in `range`; their gradients are the sums afterwards.
  package func step(
    _ store: ParameterStore, range: Range<Int>, learningRate: Double, context: ComputeContext
  ) {
    for index in range {
      sum.pointer[index] += store.gradients.pointer[index]
      store.gradients.pointer[index] = sum.pointer[index]
    }
    base.step(store, range: range, learningRate: learningRate, context: context)
  }
}
