/// How well a linear classifier tells two groups of features apart, on rows it was not fitted to.
///
/// Linear probes are Alain and Bengio's ("Understanding intermediate layers using linear classifier
/// probes", 2016). Ours is ridge regression (Hoerl and Kennard, Technometrics 12, 1970) on targets
/// ±1, its penalty 1, on features of mean 0 and standard deviation 1 over the rows fitted; either
/// group has half of the weight, however many rows it has. It is validated five-fold: row i of each
/// group belongs to fold i mod 5, and is judged by the fit to the other four. Balanced accuracy is
/// the mean of both groups' shares of rows judged rightly (Brodersen et al., ICPR 2010).
/// Nothing in it is random.
public enum LinearProbe {
  /// The parts that rows are cut into for validation.
  public static let foldCount = 5
  /// The factor of the weights' squared length in what the fit minimises.
  public static let penalty = 1.0

  /// The balanced accuracy between `a` [m, d] and `b` [n, d], each of `foldCount` rows or more.
  public static func balancedAccuracy(_ a: FeatureMatrix, _ b: FeatureMatrix) -> Double {
    precondition(min(a.rows, b.rows) >= foldCount, "\(a.rows) and \(b.rows) rows")
    let points = a.joined(with: b)
    let targets = (0..<points.rows).map { $0 < a.rows ? 1.0 : -1.0 }
    let folds = (0..<points.rows).map { ($0 < a.rows ? $0 : $0 - a.rows) % foldCount }
    var right = (a: 0, b: 0)
    for fold in 0..<foldCount {
      let fitted = folds.indices.filter { folds[$0] != fold }
      let probe = RidgeClassifier(points, targets: targets, fitted: fitted, penalty: penalty)
      for row in folds.indices where folds[row] == fold {
        guard (probe.score(points[row]) > 0) == (targets[row] > 0) else { continue }
        if row < a.rows { right.a += 1 } else { right.b += 1 }
      }
    }
    return (Double(right.a) / Double(a.rows) + Double(right.b) / Double(b.rows)) / 2
  }
}
