/// How much closer the rows of two groups are to their own group than to the other.
///
/// Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation of cluster
/// analysis", J. Comput. Appl. Math. 20, 1987: s = (b - a) / max(a, b) for each row, where a is its
/// mean Euclidean distance to the others of its group and b that to the rows of the other group.
/// A row alone in its group counts 0, and so does one for which a = b = 0.
public enum Silhouette {
  /// The mean of s over all rows of `a` [m, d] and `b` [n, d], both not empty, -1...1.
  public static func mean(_ a: FeatureMatrix, _ b: FeatureMatrix) -> Double {
    let points = a.joined(with: b)
    let sums = distanceSums(points, firstGroup: a.rows)
    var total = 0.0
    for row in 0..<points.rows {
      let isFirst = row < a.rows
      let (own, other) = isFirst ? (a.rows, b.rows) : (b.rows, a.rows)
      guard own > 1 else { continue }
      let (first, second) = (sums.first[row], sums.second[row])
      let inner = (isFirst ? first : second) / Double(own - 1)
      let outer = (isFirst ? second : first) / Double(other)
      let larger = max(inner, outer)
      if larger > 0 { total += (outer - inner) / larger }
    }
    return total / Double(points.rows)
  }

  /// For each point the sums of its distances to the points of either group.
  private static func distanceSums(
    _ points: FeatureMatrix, firstGroup: Int
  ) -> (first: [Double], second: [Double]) {
    var first = [Double](repeating: 0, count: points.rows)
    var second = first
    for i in 0..<points.rows {
      for j in 0..<i {
        let gap = distance(points.row(i), points.row(j), points.columns)
        if j < firstGroup { first[i] += gap } else { second[i] += gap }
        if i < firstGroup { first[j] += gap } else { second[j] += gap }
      }
    }
    return (first, second)
  }

  private static func distance(
    _ a: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>, _ count: Int
  ) -> Double {
    var sum = 0.0
    for column in 0..<count {
      let difference = Double(a[column]) - Double(b[column])
      sum += difference * difference
    }
    return sum.squareRoot()
  }
}
