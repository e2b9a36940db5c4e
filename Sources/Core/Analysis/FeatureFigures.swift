/// How well features tell triggered images from clean images of the target class.
///
/// Computed on the features themselves, not on their embedding, whose distances mean little.
public struct FeatureFigures: Equatable, Sendable {
  /// Mean silhouette of both groups, -1...1: 1 where they lie far apart, about 0 where they are
  /// mixed; see `Silhouette`.
  public var silhouette: Double
  /// Balanced accuracy of a linear classifier between them, 0...1: 0.5 where it cannot tell; see
  /// `LinearProbe`.
  public var linearProbeAccuracy: Double
  /// Distance of their centroids over their spread; see `CentroidDistance`.
  public var centroidDistance: Double

  /// The figures of `triggered` [m, d] against `target` [n, d]; nil where either has fewer than
  /// `LinearProbe.foldCount` rows.
  public init?(triggered: FeatureMatrix, target: FeatureMatrix) {
    let least = LinearProbe.foldCount
    guard triggered.rows >= least, target.rows >= least else { return nil }
    silhouette = Silhouette.mean(triggered, target)
    linearProbeAccuracy = LinearProbe.balancedAccuracy(triggered, target)
    centroidDistance = CentroidDistance.ratio(triggered, target)
  }
}

/// How far two groups' centroids are apart in units of the groups' spread.
///
/// ‖μa - μb‖ / √((σa² + σb²) / 2), where σ² is a group's mean squared Euclidean distance from its
/// centroid: the root of Fisher's ratio of variance between groups to variance within ("The use of
/// multiple measurements in taxonomic problems", Annals of Eugenics 7, 1936) without weighting
/// directions. In d dimensions two groups may be apart although it is below 1.
public enum CentroidDistance {
  /// The ratio for groups `a` [m, d] and `b` [n, d], neither empty; 0 where all rows are the same.
  public static func ratio(_ a: FeatureMatrix, _ b: FeatureMatrix) -> Double {
    let (centerA, centerB) = (centroid(a), centroid(b))
    let between = zip(centerA, centerB).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let within = (spread(a, around: centerA) + spread(b, around: centerB)) / 2
    return between == 0 ? 0 : (between / within).squareRoot()
  }

  private static func centroid(_ group: FeatureMatrix) -> [Double] {
    var sums = [Double](repeating: 0, count: group.columns)
    for row in 0..<group.rows {
      for (column, value) in zip(0..., group[row]) { sums[column] += Double(value) }
    }
    return sums.map { $0 / Double(group.rows) }
  }

  /// The mean squared distance of the rows from `center` [d].
  private static func spread(_ group: FeatureMatrix, around center: [Double]) -> Double {
    var sum = 0.0
    for row in 0..<group.rows {
      for (value, middle) in zip(group[row], center) {
        sum += (Double(value) - middle) * (Double(value) - middle)
      }
    }
    return sum / Double(group.rows)
  }
}
