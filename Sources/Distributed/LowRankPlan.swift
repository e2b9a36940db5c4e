/// Which slots of each bucket travel as two thin factors, and where their parts lie; pure data.
///
/// A matrix whose factors are less than half of it travels as those, all else as floats. For each
/// bucket there are two sums over the ranks: of its matrices' factors of columns, followed by its
/// floats; and of its matrices' factors of rows.
package struct LowRankPlan: Equatable, Sendable {
  /// A slot that travels as two factors.
  package struct Matrix: Equatable, Sendable {
    /// The slot: `rows` x `columns` floats.
    package var floats: Range<Int>
    /// Its rows.
    package var rows: Int
    /// Its columns.
    package var columns: Int
    /// Where the factor of columns, `columns` x rank floats, begins in its bucket's first sum.
    package var across: Int
    /// Where the factor of rows, `rows` x rank floats, begins among those of all matrices.
    package var down: Int
  }

  /// A slot that travels as it is.
  package struct Plain: Equatable, Sendable {
    /// The slot.
    package var floats: Range<Int>
    /// Where it begins in its bucket's first sum.
    package var place: Int
  }

  /// The parts of a bucket.
  package struct Bucket: Equatable, Sendable {
    /// What travels as factors.
    package var matrices: [Matrix] = []
    /// What travels as it is.
    package var plain: [Plain] = []
    /// The floats of the first sum.
    package var firstCount = 0
    /// The floats of the second sum, among the factors of rows of all matrices.
    package var down: Range<Int>
  }

  /// The columns of each factor.
  package let rank: Int
  /// The buckets, in the order of their communication.
  package let buckets: [Bucket]
  /// The floats of the factors of rows of all matrices.
  package let downCount: Int

  /// The parts of the buckets of `plan`, which must cut no slot.
  package init(_ plan: BucketPlan, rank: Int) {
    self.rank = rank
    var downCount = 0
    let shapes = zip(plan.slots, plan.rows)
    buckets = plan.buckets.map { floats in
      var bucket = Bucket(down: downCount..<downCount)
      for (slot, rows) in shapes where !slot.isEmpty && floats.overlaps(slot) {
        precondition(floats.clamped(to: slot) == slot, "floats \(slot) cut by bucket \(floats)")
        let columns = slot.count / rows
        guard Self.pays(rows, columns, rank: rank) else {
          bucket.plain.append(Plain(floats: slot, place: bucket.firstCount))
          bucket.firstCount += slot.count
          continue
        }
        bucket.matrices.append(
          Matrix(
            floats: slot, rows: rows, columns: columns, across: bucket.firstCount,
            down: downCount))
        bucket.firstCount += columns * rank
        downCount += rows * rank
      }
      bucket.down = bucket.down.lowerBound..<downCount
      return bucket
    }
    self.downCount = downCount
  }

  /// Whether two factors are at most half of a matrix; then `rank` is also below both its sides.
  private static func pays(_ rows: Int, _ columns: Int, rank: Int) -> Bool {
    rows * columns >= 2 * rank * (rows + columns)
  }
}
