import Distributed

/// Where a run takes place: the ranks that do it together, who is told of it, and what signals ask
/// for.
public struct Stage {
  /// The ranks that run it.
  public let communicator: any Communicator
  /// Told of the progress on rank 0.
  public let observer: any TrainingObserver
  /// What signals ask for.
  public let interruption: Interruption

  /// A stage for `communicator`'s ranks.
  public init(
    communicator: any Communicator, observer: any TrainingObserver, interruption: Interruption
  ) {
    (self.communicator, self.observer, self.interruption) = (communicator, observer, interruption)
  }

  /// Tells the observer, on rank 0 alone.
  public func tell(_ event: TrainingEvent) {
    if communicator.rank == 0 { observer.observe(event) }
  }

  /// Tells how far the reading of a dataset is, from whatever thread reads; nil but on rank 0.
  var reading: ReadingProgress? { observer.reading(on: communicator) }

  /// Notes what becomes of a run.
  var log: RunLog { RunLog(communicator: communicator, observer: observer) }

  /// Claims the folder of `checkpoints` on rank 0 and lets `begin` make it ready there, given what
  /// the run goes on from; nil on the other ranks.
  func claim(
    _ checkpoints: CheckpointFolder, resume: ResumeMode, identity: RunIdentity, columns: [String],
    isInWay: Bool, begin: (Checkpoint?) throws -> Void = { _ in }
  ) throws -> RunClaim? {
    var claim: RunClaim?
    try communicator.onRankZero {
      let made = try RunClaim(
        checkpoints, resume: resume, identity: identity, columns: columns, isInWay: isInWay,
        observer: observer)
      claim = made
      try begin(made.saved)
    }
    tell(.claimed(folder: checkpoints.path))
    return claim
  }
}

extension TrainingObserver {
  /// Told how far the reading of a dataset is; nil but on rank 0.
  func reading(on communicator: any Communicator) -> ReadingProgress? {
    guard communicator.rank == 0 else { return nil }
    return { done, total in
      observe(
        .working(WorkProgress(name: "read images", done: done, total: total, unit: "images")))
    }
  }
}
