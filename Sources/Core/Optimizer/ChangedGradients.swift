import Distributed

/// An optimizer that is handed gradients which are changed first: turned round, or in part set to
/// zero.
package final class ChangedGradients: Optimizer {
  private let optimizer: any Optimizer
  private let change: (_ gradients: UnsafeMutablePointer<Float>, _ range: Range<Int>) -> Void

  /// `optimizer`, for which `change` changes the gradients in the range that is to move.
  package init(
    for optimizer: any Optimizer,
    _ change: @escaping (_ gradients: UnsafeMutablePointer<Float>, _ range: Range<Int>) -> Void
  ) {
    (self.optimizer, self.change) = (optimizer, change)
  }

  /// Steps up the loss: the gradient's sign is turned, weight decay's is not.
  package static func ascending(_ optimizer: any Optimizer) -> ChangedGradients {
    ChangedGradients(for: optimizer) { gradients, range in
      for place in range { gradients[place] = -gradients[place] }
    }
  }

  package var state: [FloatBuffer] { optimizer.state }
  package var stepCount: Int {
    get { optimizer.stepCount }
    set { optimizer.stepCount = newValue }
  }

  package func step(
    _ store: ParameterStore, range: Range<Int>, learningRate: Double, context: ComputeContext
  ) {
    change(store.gradients.pointer, range)
    optimizer.step(store, range: range, learningRate: learningRate, context: context)
  }
}
