import Distributed

/// Moves nothing: for a network that a step only looks at, and a learner that only keeps what a step
/// remembers.
package final class Resting: Optimizer {
  package let state: [FloatBuffer] = []
  package var stepCount = 0

  /// An optimizer of nothing.
  package init() {}

  package func step(
    _ store: ParameterStore, range: Range<Int>, learningRate: Double, context: ComputeContext
  ) {}
}
