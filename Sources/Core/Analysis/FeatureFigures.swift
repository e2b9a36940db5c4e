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
  /// Cosine between the ways to their centroids, -1...1; see `CentroidCosine`.
  public var centroidCosine: Double

  /// The figures of `triggered` [m, d] against `target` [n, d], whose centroids are looked at from
  /// that of `clean` [k, d], points of all classes; nil where either group has fewer than
  /// `LinearProbe.foldCount` rows.
  public init?(triggered: FeatureMatrix, target: FeatureMatrix, clean: FeatureMatrix) {
    let least = LinearProbe.foldCount
    guard triggered.rows >= least, target.rows >= least else { return nil }
    silhouette = Silhouette.mean(triggered, target)
    linearProbeAccuracy = LinearProbe.balancedAccuracy(triggered, target)
    centroidDistance = CentroidDistance.ratio(triggered, target)
    centroidCosine = CentroidCosine.of(triggered, target, from: clean)
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
    let (centerA, centerB) = (a.centroid, b.centroid)
    let between = zip(centerA, centerB).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let within = (spread(a, around: centerA) + spread(b, around: centerB)) / 2
    return between == 0 ? 0 : (between / within).squareRoot()
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

/// Whether two groups lie the same way from the middle of all classes.
///
/// cos(μa - μ, μb - μ), with μ the centroid of clean points, as many of each class. A linear head's
/// logits, less their mean over the classes, grow along such ways: where triggered images lie the
/// target class's way, a new head that has learned the class from clean images takes them for it.
public enum CentroidCosine {
  /// The cosine for groups `a` [m, d] and `b` [n, d], seen from `origin` [k, d], none empty; 0
  /// where a group's centroid is that of `origin`.
  public static func of(
    _ a: FeatureMatrix, _ b: FeatureMatrix, from origin: FeatureMatrix
  ) -> Double {
    let middle = origin.centroid
    let ways = [a, b].map { zip($0.centroid, middle).map { $0 - $1 } }
    let (wayA, wayB) = (ways[0], ways[1])
    let lengths = (dot(wayA, wayA) * dot(wayB, wayB)).squareRoot()
    return lengths == 0 ? 0 : dot(wayA, wayB) / lengths
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }
}

extension FeatureMatrix {
  /// The mean of all points, [d].
  fileprivate var centroid: [Double] {
    var sums = [Double](repeating: 0, count: columns)
    for row in 0..<rows {
      for (column, value) in zip(0..., self[row]) { sums[column] += Double(value) }
    }
    return sums.map { $0 / Double(rows) }
  }
}
