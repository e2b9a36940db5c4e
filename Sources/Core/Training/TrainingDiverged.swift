import Distributed

/// Training whose loss, parameters or logits are no finite numbers any more; known to all ranks.
///
/// Note [Divergence]: a rank looks at the sum of its losses after each step, which costs nothing,
/// and the ranks agree on what they saw where they agree on signals, before the next step and at
/// the end of the epoch. There, and before a state is saved, the parameters are looked at too. So no
/// checkpoint holds values that are not finite, and none is evaluated.
public struct TrainingDiverged: ThrownOnAllRanks, Equatable, Sendable, CustomStringConvertible {
  /// What was being done, such as `attack badnet`.
  public var phase: String
  /// Epochs finished, and steps done of the one after those.
  public var epoch: Int, step: Int
  /// The learning rate of the last step.
  public var learningRate: Double
  /// The folder with the last finite checkpoint; nil where there is none.
  public var checkpoint: String?

  /// One line: where, what was expected and found, what would help.
  public var description: String {
    "\(phase): expected finite loss and parameters, found nan or infinity in epoch \(epoch + 1) "
      + "after step \(step), learning rate \(learningRate.pythonRepr): the training has diverged; "
      + "try a lower --lr"
      + (checkpoint.map { "; the last finite checkpoint is in \($0)" } ?? "; nothing was saved")
  }
}

/// Logits that are no finite numbers, of which an arg max says nothing; known to all ranks.
public struct NonFiniteLogits: ThrownOnAllRanks, Equatable, Sendable, CustomStringConvertible {
  /// The archive, or in words the model.
  public var model: String
  /// Images with such logits, and all that were classified.
  public var count: Int64, total: Int

  /// One line: which model, what was expected and found.
  public var description: String {
    "\(model): expected finite logits, found nan or infinity for \(count) of \(total) images; "
      + "has its training diverged?"
  }
}

/// How training fares on this rank, as a step boundary asks: see Note [Divergence].
struct TrainingHealth {
  /// Whether all that was looked at so far is finite.
  let isFinite: Bool
  /// Looks at the whole state, once the last step is complete.
  let isStateFinite: () -> Bool
  /// What is thrown where it is not; the same on all ranks.
  let diverged: () -> TrainingDiverged
}

extension TrainingStep {
  /// Whether parameters, momentum and running statistics are finite numbers; `settle` comes before.
  var isFinite: Bool {
    learners.allSatisfy { learner in
      ([learner.store.values, learner.store.buffers] + learner.optimizer.state)
        .allSatisfy(\.isFinite)
    }
  }
}

extension FloatBuffer {
  /// Whether all values are finite numbers.
  var isFinite: Bool {
    // A product with zero is zero for finite numbers alone, and such a sum needs no branch.
    var sum: Float = 0
    for index in 0..<count { sum += pointer[index] * 0 }
    return sum == 0
  }
}
