extension FeatureMatrix {
  /// The points at `indices`, in that order, as a copy.
  public func selecting(_ indices: [Int]) -> FeatureMatrix {
    let chosen = FeatureMatrix(rows: indices.count, columns: columns)
    for (place, index) in indices.enumerated() {
      chosen.row(place).update(from: row(index), count: columns)
    }
    return chosen
  }

  /// These points, and after them those of `other`, as a copy.
  public func joined(with other: FeatureMatrix) -> FeatureMatrix {
    precondition(columns == other.columns, "rows of \(columns) and of \(other.columns)")
    let both = FeatureMatrix(rows: rows + other.rows, columns: columns)
    both.pointer.update(from: pointer, count: rows * columns)
    both.row(rows).update(from: other.pointer, count: other.rows * columns)
    return both
  }
}
