import Distributed

/// A classifier's step on batches that are changed first: poisoned, relabelled, augmented.
final class TransformedStep: SurroundingStep {
  package let base: ClassifierStep
  private let transform: (Batch, Moment) -> Batch

  /// `base` on what `transform` makes of each batch, whose pixels it may overwrite.
  init(_ base: ClassifierStep, transform: @escaping (Batch, Moment) -> Batch) {
    (self.base, self.transform) = (base, transform)
  }

  func run(_ batch: Batch, at moment: Moment) throws -> StepOutcome {
    let changed = timer.measure(.load) { transform(batch, moment) }
    return try base.run(changed, at: moment)
  }

}
