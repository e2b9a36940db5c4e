import Distributed

/// What happens between two steps: whether the run's state is saved, and whether training stops.
///
/// Note [Signals]: a signal's handler only sets a flag on its rank. Between two steps, where no
/// collective is under way, the ranks take the maximum of their flags, so that all save or stop at
/// the same step although a signal reaches them at different moments, or only one of them. The
/// boundary after an epoch's last step comes before the evaluation: that may take longer than the
/// time between SIGTERM and SIGKILL.
public struct StepBoundary {
  /// What signals ask for.
  let interruption: Interruption
  /// Saves the state; nil where the run keeps none.
  let keeper: CheckpointKeeper?
  /// Steps of the whole run from one checkpoint to the next; 0 is none within an epoch.
  let interval: Int
  let timer: StepTimer
  let communicator: any Communicator
  let observer: any TrainingObserver

  /// Saves at `position` where that is due or asked for; true, on all ranks, where training stops.
  ///
  /// `steps` are those of an epoch. All ranks call it at the same position; `settle` completes the
  /// last step. Throws `SharedFailure` where the state cannot be saved, and on all ranks alike what
  /// `health` says where any rank has left the finite numbers.
  func stops(
    at position: TrainingPosition, of steps: Int, health: TrainingHealth, settle: () throws -> Void
  ) throws -> Bool {
    let request = try agreedRequest(health)
    if request == .giveUp { throw health.diverged() }
    if request != .none || isDue(position, of: steps) {
      try settle()
      if let keeper {
        let isBroken: Int64 = health.isStateFinite() ? 0 : 1
        guard try communicator.allReduceMaximum(isBroken) == 0 else { throw health.diverged() }
        try keeper.save(at: position)
      }
    }
    if request == .save && communicator.rank == 0 { tell(position) }
    return request == .stop
  }

  /// The end of an epoch is saved when it is evaluated.
  private func isDue(_ position: TrainingPosition, of steps: Int) -> Bool {
    guard interval > 0, position.step > 0, position.step < steps else { return false }
    return (position.epoch * steps + position.step).isMultiple(of: interval)
  }

  private func agreedRequest(_ health: TrainingHealth) throws -> Interruption.Request {
    let asked = interruption.take()
    let mine = health.isFinite ? asked : .giveUp
    guard communicator.worldSize > 1 else { return mine }
    let largest = try timer.measure(.wait) { try communicator.allReduceMaximum(mine.rawValue) }
    return Interruption.Request(rawValue: largest) ?? .none
  }

  private func tell(_ position: TrainingPosition) {
    observer.observe(
      keeper == nil
        ? .warning("SIGUSR1: this run saves nothing before its end")
        : .message("saved a checkpoint after \(position)"))
  }
}
