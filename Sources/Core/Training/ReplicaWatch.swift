import Distributed

/// Looks whether all ranks still hold the same model, when asked and every so many steps.
public struct ReplicaWatch {
  private let store: ParameterStore
  private let communicator: any Communicator
  /// Steps from one look to the next; 0 is never.
  private let interval: Int

  /// A watch over `store` that looks after each `interval`-th step; 0 is never.
  public init(_ store: ParameterStore, communicator: any Communicator, interval: Int = 0) {
    self.store = store
    self.communicator = communicator
    self.interval = interval
  }

  /// Looks after `step` steps of the whole run, where that is one of those to look after; `settle`
  /// completes the step first.
  public func verify(afterStep step: Int, settle: () throws -> Void) throws {
    guard interval > 0, step.isMultiple(of: interval) else { return }
    try settle()
    try verify("after step \(step)")
  }

  /// Throws `Disagreement`, on all ranks alike, unless every rank holds the same bits.
  ///
  /// `moment` goes into the message, such as "after epoch 3". Costs one all-gather of some bytes,
  /// and a pass over the parameters on each rank.
  public func verify(_ moment: String) throws {
    try ReplicaCheck.verify(
      [("parameters \(moment)", store.values), ("running statistics \(moment)", store.buffers)],
      layout: "\(store.plan.state)", on: communicator)
  }
}
