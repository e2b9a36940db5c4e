/// How gradients travel between the ranks.
public enum GradientCompression: String, CaseIterable, Sendable {
  /// As they are.
  case none
  /// As half-precision numbers, with error feedback: see Note [Compressed sum].
  case fp16
  /// The same as bfloat16 numbers, which have a float's range and three bits less than a half.
  case bf16
  /// As products of thin matrices, with error feedback: see Note [Low-rank sum].
  case powersgd
}

/// How thin PowerSGD's matrices are, and when it begins.
public struct PowerSGDSettings: Equatable, Sendable {
  /// The columns of each of a gradient's two factors.
  public var rank: Int
  /// The steps of a run in which gradients travel as they are, before the first compressed one.
  public var start: Int

  /// Factors of `rank` columns from the step after `start` others on.
  public init(rank: Int = 2, start: Int = 1000) {
    precondition(rank > 0 && start >= 0, "rank \(rank) after \(start) steps")
    (self.rank, self.start) = (rank, start)
  }
}
