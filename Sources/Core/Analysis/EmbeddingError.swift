/// What stands against an embedding or its trustworthiness; each case says what would be right.
public enum EmbeddingError: Error, CustomStringConvertible, Equatable, Sendable {
  /// Fewer points than an embedding makes sense for.
  case tooFewPoints(found: Int, least: Int)
  /// Points without features.
  case noFeatures
  /// The perplexity, an effective number of neighbours, is not below the number of points.
  case perplexity(Double, points: Int)
  /// A feature that is infinite or not a number.
  case notFinite(point: Int, feature: Int)
  /// A setting outside its range.
  case setting(String, found: String, expected: String)
  /// Trustworthiness over too many neighbours.
  case neighbours(Int, points: Int)

  /// One line: what is wrong, where, what would be right.
  public var description: String {
    switch self {
    case .tooFewPoints(let found, let least):
      "t-SNE: expected at least \(least) points, found \(found)"
    case .noFeatures:
      "t-SNE: expected points with at least one feature, found none"
    case .perplexity(let perplexity, let points):
      "t-SNE: perplexity \(perplexity) for \(points) points: expected at least 1 and less than "
        + "\(points); 5 to 50 are usual, and no more than a third of the points"
    case .notFinite(let point, let feature):
      "t-SNE: feature \(feature) of point \(point) (both from 0) is infinite or not a number: "
        + "expected finite features, has the training diverged?"
    case .setting(let name, let found, let expected):
      "t-SNE: \(name): expected \(expected), found \(found)"
    case .neighbours(let neighbours, let points):
      "trustworthiness over \(neighbours) neighbours of \(points) points: expected at least 1 and "
        + "less than half of the points"
    }
  }
}
