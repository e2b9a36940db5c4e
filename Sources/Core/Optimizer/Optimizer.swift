import Distributed

/// A rule by which parameters move along their gradients; it owns what it remembers between steps.
///
/// A step may go range by range, so that parts of it can wait for their gradients.
public protocol Optimizer: AnyObject {
  /// What it remembers of each parameter, in order: [parameters] each, zero at the start.
  var state: [FloatBuffer] { get }
  /// Steps that were begun.
  var stepCount: Int { get set }

  /// Moves the parameters in `range` along their gradients; the others stay as they are.
  ///
  /// `beginStep` comes before the first range of a step.
  func step(
    _ store: ParameterStore, range: Range<Int>, learningRate: Double, context: ComputeContext)
}

extension Optimizer {
  /// Begins a step.
  public func beginStep() { stepCount += 1 }

  /// One whole step.
  public func step(_ store: ParameterStore, learningRate: Double, context: ComputeContext) {
    beginStep()
    step(store, range: 0..<store.values.count, learningRate: learningRate, context: context)
  }
}
