import Distributed

/// Looks whether all ranks still hold the same model, when asked and every so many steps.
public struct ReplicaWatch {
  private let learners: [(name: String, store: ParameterStore)]
  private let communicator: any Communicator
  /// Steps from one look to the next; 0 is never.
  private let interval: Int

  /// A watch over `store` that looks after each `interval`-th step; 0 is never.
  public init(_ store: ParameterStore, communicator: any Communicator, interval: Int = 0) {
    self.init([("", store)], communicator: communicator, interval: interval)
  }

  /// A watch over all `learners`, the first of which needs no name in messages.
  init(_ learners: [Learner], communicator: any Communicator, interval: Int) {
    let named = learners.enumerated().map { ($0 == 0 ? "" : "\($1.name) ", $1.store) }
    self.init(named, communicator: communicator, interval: interval)
  }

  private init(
    _ learners: [(name: String, store: ParameterStore)], communicator: any Communicator,
    interval: Int
  ) {
    self.learners = learners
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
      learners.flatMap { name, store in
        [
          ("\(name)parameters \(moment)", store.values),
          ("\(name)running statistics \(moment)", store.buffers),
        ]
      },
      layout: learners.map { "\($0.store.plan.state)" }.joined(), on: communicator)
  }
}
