/// A network of a step with what moves it: the classifier, a generator, a mask, a discriminator.
///
/// All learners of a step are broadcast, compared over the ranks, saved and restored alike.
public struct Learner {
  /// What it is called in checkpoints and messages: `classifier`, `generator`.
  public let name: String
  /// Its parameters, gradients and running statistics.
  public let store: ParameterStore
  /// What moves the parameters.
  public let optimizer: any Optimizer

  /// A learner of this name.
  public init(_ name: String, store: ParameterStore, optimizer: any Optimizer) {
    (self.name, self.store, self.optimizer) = (name, store, optimizer)
  }
}
