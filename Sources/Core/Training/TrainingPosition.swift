/// Where training stands between two steps.
public struct TrainingPosition: Equatable, Sendable, CustomStringConvertible {
  /// Epochs finished.
  public var epoch: Int
  /// Steps done of the epoch after those; all of them where it is not evaluated yet.
  public var step: Int
  /// What this rank has counted in those steps.
  public var counts: TrainingCounts

  /// The position `step` steps into the epoch that follows `epoch` finished ones.
  public init(epoch: Int = 0, step: Int = 0, counts: TrainingCounts = TrainingCounts()) {
    self.epoch = epoch
    self.step = step
    self.counts = counts
  }

  /// What a run that was to be resumed starts with, in words.
  var resumption: String {
    self == TrainingPosition() ? "no checkpoint, starting anew" : "going on after \(self)"
  }

  /// The position in words, for `after …`: `epoch 3`, or `epoch 3, 5 steps into the next`.
  public var description: String {
    switch step {
    case 0: "epoch \(epoch)"
    case 1: "epoch \(epoch), 1 step into the next"
    default: "epoch \(epoch), \(step) steps into the next"
    }
  }
}
