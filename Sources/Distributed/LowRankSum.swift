import CompressionShim

/// Sums gradients over the ranks as products of two thin matrices, and keeps what that loses.
///
/// Note [Low-rank sum]: PowerSGD (Vogels, Karimireddy, Jaggi 2019). Each rank r adds to a matrix of
/// gradients the error it has kept, which gives M_r, and multiplies it with the factor of rows Q of
/// the step before: P is the sum over the ranks of M_rᵀ Q. Each rank then has its Q_r = M_r P, the
/// sum of which is the new Q; and the sum of gradients becomes Q Pᵀ, the sum of all M_r as far as the
/// columns of P reach. Since Q goes on from step to step, P follows where the gradients are largest.
/// Both are made orthonormal before a matrix is multiplied with them: P for the result to be a
/// projection, Q for P to lose no precision.
///
/// Each rank keeps M_r - Q_r Pᵀ. Since Q is the sum of the Q_r, the errors add up to the sum of the
/// M_r less the result: nothing is lost over many steps, and since P and Q are made of that sum
/// alone, another share of it for each rank would give the same results. Taking from each M_r an
/// equal part of the result would be such a share, but then the differences between the ranks would
/// pile up in the errors and cost precision; this way an error is what is left of a projection.
///
/// Kernels lie inputs first, [rows = H W inputs][columns = outputs], so P has the outputs, as in the
/// paper; other matrices lie outputs first, and there it has the inputs, which is the same method on
/// the transpose. Q is first drawn by a fixed seed, and columns that come to nothing, or to what is
/// not finite, are drawn anew: gradients that were 0 for a while are seen again, and NaN shows in the
/// result and does not stay. P and Q have the same bits on all ranks, and so has all that is made of
/// them. A checkpoint holds neither errors nor Q: a resumed run begins both anew, and compresses at
/// once if it is past the start.
///
/// It owns the errors and the factors. `@unchecked`: the communicating thread alone uses them.
final class LowRankSum: BucketSum, @unchecked Sendable {
  private let plan: LowRankPlan
  private let start: Int
  private let errors: FloatBuffer
  /// The factors of rows: the sums of the step before, then this rank's own, then the sums.
  private let down: FloatBuffer
  private let ownDown: FloatBuffer
  /// What a bucket's first sum is taken of.
  private let first: FloatBuffer

  /// Sums the buckets of `plan` by factors of `rank` columns; no error is kept yet.
  init(_ plan: BucketPlan, rank: Int) {
    let parts = LowRankPlan(plan, rank: rank)
    self.plan = parts
    start = plan.range.lowerBound
    errors = FloatBuffer(count: plan.count)
    down = FloatBuffer(count: parts.downCount)
    ownDown = FloatBuffer(count: parts.buckets.map(\.down.count).max() ?? 0)
    first = FloatBuffer(count: parts.buckets.map(\.firstCount).max() ?? 0)
    for matrix in parts.buckets.flatMap(\.matrices) {
      fst_low_rank_draw(down.pointer + matrix.down, matrix.rows * rank, seed(matrix))
    }
  }

  /// The bytes of both sums.
  func bytes(ofBucket bucket: Int) -> Int {
    let parts = plan.buckets[bucket]
    return (parts.firstCount + parts.down.count) * MemoryLayout<Float>.stride
  }

  /// Replaces the `gradients` in bucket number `bucket` by their sums over all ranks, as far as the
  /// factors reach.
  func reduce(
    _ gradients: FloatBuffer, bucket: Int, on communicator: any Communicator
  ) throws {
    let parts = plan.buckets[bucket]
    fold(gradients, parts)
    try communicator.allReduceSum(
      UnsafeMutableBufferPointer(start: first.pointer, count: parts.firstCount))
    for slot in parts.plain {
      (gradients.pointer + slot.floats.lowerBound)
        .update(from: first.pointer + slot.place, count: slot.floats.count)
    }
    guard !parts.matrices.isEmpty else { return }
    project(parts)
    try communicator.allReduceSum(UnsafeMutableBufferPointer(rebasing: down.floats[parts.down]))
    rebuild(gradients, parts)
  }

  /// Fills the first sum's floats.
  private func fold(_ gradients: FloatBuffer, _ parts: LowRankPlan.Bucket) {
    for matrix in parts.matrices {
      fst_low_rank_orthonormalize(
        down.pointer + matrix.down, plan.rank, matrix.rows, seed(matrix))
      fst_low_rank_fold(
        shape(matrix), gradients.pointer + matrix.floats.lowerBound, errors(matrix),
        down.pointer + matrix.down, first.pointer + matrix.across)
    }
    for slot in parts.plain {
      (first.pointer + slot.place)
        .update(from: gradients.pointer + slot.floats.lowerBound, count: slot.floats.count)
    }
  }

  /// Makes the summed factors of columns orthonormal, and this rank's factors of rows of them.
  private func project(_ parts: LowRankPlan.Bucket) {
    for matrix in parts.matrices {
      let across = first.pointer + matrix.across
      fst_low_rank_orthonormalize(across, plan.rank, matrix.columns, ~seed(matrix))
      fst_low_rank_project(shape(matrix), errors(matrix), across, down.pointer + matrix.down)
    }
    ownDown.pointer.update(from: down.pointer + parts.down.lowerBound, count: parts.down.count)
  }

  /// Puts the factors' products into the gradients, and what they leave into the errors.
  private func rebuild(_ gradients: FloatBuffer, _ parts: LowRankPlan.Bucket) {
    for matrix in parts.matrices {
      fst_low_rank_rebuild(
        shape(matrix), first.pointer + matrix.across, down.pointer + matrix.down,
        ownDown.pointer + (matrix.down - parts.down.lowerBound),
        gradients.pointer + matrix.floats.lowerBound, errors(matrix))
    }
  }

  private func seed(_ matrix: LowRankPlan.Matrix) -> UInt64 { UInt64(matrix.floats.lowerBound) }

  private func shape(_ matrix: LowRankPlan.Matrix) -> fst_low_rank_shape {
    fst_low_rank_shape(rows: matrix.rows, columns: matrix.columns, rank: plan.rank)
  }

  private func errors(_ matrix: LowRankPlan.Matrix) -> UnsafeMutablePointer<Float> {
    errors.pointer + (matrix.floats.lowerBound - start)
  }
}
