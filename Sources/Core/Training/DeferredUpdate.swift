import Distributed

/// The part of a step's update that is completed in the next step's forward; it owns what is owed.
///
/// Note [Deferred update]: where the network is slow, backward alone cannot hide the sum of all
/// gradients: a step of width 64 and 64 images takes 0.45 s on one core of a Zen 5, of which
/// backward is 0.28 s, and at 1 Gbit/s the sum of 44.7 MB takes 0.37 s. But forward reads the last
/// layers last, and these hold most of the parameters. So the last layers' buckets are summed after
/// all others, beside the next step's forward, which waits for them before it reads their
/// parameters. Nothing else changes: each parameter moves by the same sum as without this, before
/// anything reads it. Between two steps the last layers lag behind: whoever reads the model there
/// settles first, on all ranks, since a sum takes them all.
final class DeferredUpdate {
  /// The positions of the parameters that are updated later; empty where none are.
  let range: Range<Int>

  private let reducer: GradientReducer
  private let store: ParameterStore
  private let optimizer: any Optimizer
  private let context: ComputeContext
  private var owedRate: Double?
  private var failure: (any Error)?

  /// Updates `range` of `store`, which `reducer` defers.
  init(
    _ range: Range<Int>, of store: ParameterStore, by optimizer: any Optimizer,
    reducer: GradientReducer,
    context: ComputeContext
  ) {
    self.range = range
    (self.reducer, self.store, self.optimizer) = (reducer, store, optimizer)
    self.context = context
  }

  /// Whether the last step's update is not complete.
  var isOwed: Bool { owedRate != nil }

  /// Notes that `range` is still to move at `learningRate`.
  func owe(learningRate: Double) {
    if !range.isEmpty { owedRate = learningRate }
  }

  /// Completes the last step's update, and leaves its gradients at zero.
  func settle() throws {
    guard let rate = owedRate else { return }
    owedRate = nil
    try reducer.finishDeferred()
    optimizer.step(store, range: range, learningRate: rate, context: context)
    (store.gradients.pointer + range.lowerBound).update(repeating: 0, count: range.count)
  }

  /// The same where parameters up to position `end` are about to be read; `check` throws what that
  /// throws.
  func settle(beforeReadingTo end: Int) {
    guard isOwed, end > range.lowerBound else { return }
    do { try settle() } catch { failure = error }
  }

  /// Throws what went wrong in forward, which does not throw.
  func check() throws {
    if let failure { throw failure }
  }
}
