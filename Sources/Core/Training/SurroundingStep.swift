import Distributed

/// A step around a classifier's own: it changes the batch before, or trains others beside.
///
/// All but what it does itself is its base's.
package protocol SurroundingStep: TrainingStep {
  /// The classifier's step.
  var base: ClassifierStep { get }
}

extension SurroundingStep {
  package var classifier: Network { base.classifier }
  package var learners: [Learner] { base.learners }
  package var communicator: any Communicator { base.communicator }
  package var context: ComputeContext { base.context }
  package var timer: StepTimer { base.timer }
  package var bucketLayout: String { base.bucketLayout }
  package func settle() throws { try base.settle() }
}
