/// Sums the gradients of all ranks after backward, bucket by bucket in plan order.
///
/// The loss is divided by the global batch size before backward, so the sum over the ranks is the
/// gradient of the global mean and nothing is averaged here. Uneven shares of the batch need no
/// care.
public struct GradientReducer: Sendable {
  /// The plan; see Note [Bucket order].
  public let plan: BucketPlan
  private let communicator: any Communicator
  private let gradients: FloatBuffer

  /// Reduces `gradients` by `plan`, which must cover exactly this buffer.
  public init(communicator: any Communicator, gradients: FloatBuffer, plan: BucketPlan) {
    precondition(
      plan.count == gradients.count,
      "a plan for \(plan.count) floats over a buffer of \(gradients.count)")
    self.communicator = communicator
    self.gradients = gradients
    self.plan = plan
  }

  /// Replaces every gradient by its sum over all ranks; returns when all buckets are done.
  public func reduce() throws {
    guard communicator.worldSize > 1 else { return }
    for bucket in plan.buckets {
      try communicator.allReduceSum(UnsafeMutableBufferPointer(rebasing: gradients.floats[bucket]))
    }
  }
}
