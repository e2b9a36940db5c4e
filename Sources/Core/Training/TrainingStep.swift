import Distributed

/// When a step is taken: what the learning rate is, and what its random draws are keyed by.
public struct Moment: Sendable {
  /// The run's seed.
  public var seed: UInt64
  /// The epoch, from 0.
  public var epoch: Int
  /// The step in the epoch, from 0.
  public var step: Int
  /// The classifier's learning rate.
  public var learningRate: Double

  /// The moment of a step at `learningRate`.
  public init(learningRate: Double, seed: UInt64 = 0, epoch: Int = 0, step: Int = 0) {
    (self.learningRate, self.seed, self.epoch, self.step) = (learningRate, seed, epoch, step)
  }
}

/// What a step amounts to on this rank.
public struct StepOutcome: Sendable {
  /// Losses and predictions of this rank's images.
  public var crossEntropy: CrossEntropy.Result
  /// What else the loss holds, before the update; the same on every rank.
  public var penalty = 0.0
  /// The batch as it was trained on, which the step may have poisoned.
  public var batch: Batch

  /// An outcome of training on `batch`.
  public init(_ crossEntropy: CrossEntropy.Result, penalty: Double = 0, batch: Batch) {
    (self.crossEntropy, self.penalty, self.batch) = (crossEntropy, penalty, batch)
  }
}

/// What is done with a batch of training images: one data-parallel step of one or more learners.
///
/// After a step all ranks hold the same bits of every learner. `ClassifierStep` is the plain one.
public protocol TrainingStep: AnyObject {
  /// What is trained to classify, and evaluated.
  var classifier: Network { get }
  /// All that is trained, the classifier first; in an order that every rank has.
  var learners: [Learner] { get }
  /// The ranks that train together.
  var communicator: any Communicator { get }
  /// Threads and scratch memory.
  var context: ComputeContext { get }
  /// Takes the time of each part of a step.
  var timer: StepTimer { get }
  /// How gradients are cut for their sums over the ranks, in words.
  var bucketLayout: String { get }

  /// Moves the learners once along `batch`; all ranks call it together.
  func run(_ batch: Batch, at moment: Moment) throws -> StepOutcome
  /// Completes the last step, on all ranks together, where anything but the next step is to read
  /// the parameters.
  func settle() throws
  /// Told, on all ranks, before the first step of `epoch`.
  func epochBegins(_ epoch: Int) throws
}

extension TrainingStep {
  /// Gradients in one piece.
  public var bucketLayout: String { "" }
  /// Nothing is left to complete.
  public func settle() throws {}
  /// Every epoch is like the first.
  public func epochBegins(_ epoch: Int) throws {}
}
