import Distributed

/// How far neighbours in an embedding are neighbours among the original points.
public enum Trustworthiness {
  /// 1 - 2 / (n k (2n - 3k - 1)) Σ_i Σ_j max(0, r(i, j) - k), over the k nearest neighbours j of i
  /// in the embedding.
  ///
  /// r(i, j) is the place of j among the points around i, 1 for the nearest (Venna and Kaski 2001;
  /// scikit-learn's `trustworthiness`). 1 is best; a random embedding has about 0.5.
  ///
  /// - Parameters:
  ///   - points: [n, d], finite.
  ///   - embedding: [n, e], finite, in the same order.
  ///   - neighbours: k, less than n / 2.
  public static func of(
    _ points: FeatureMatrix, embedding: FeatureMatrix, neighbours: Int = 5,
    context: ComputeContext
  ) throws(EmbeddingError) -> Double {
    let n = points.rows
    precondition(embedding.rows == n, "\(embedding.rows) places for \(n) points")
    guard neighbours >= 1, 2 * neighbours < n else { throw .neighbours(neighbours, points: n) }
    try points.checkFinite()
    try embedding.checkFinite()
    let near = NearestNeighbours.find(embedding, count: neighbours, context: context)
    var excess = [Int](repeating: 0, count: n)
    excess.withUnsafeMutableBufferPointer { excess in
      DistanceBlocks(points, context: context).forEachRow(context: context) { row, keys in
        keys[row] = .infinity
        for place in row * neighbours..<(row + 1) * neighbours {
          let rank = rank(of: Int(near.indices[place]), keys, count: n)
          excess[row] += max(rank - neighbours, 0)
        }
      }
    }
    let (count, k) = (Double(n), Double(neighbours))
    return 1 - 2 / (count * k * (2 * count - 3 * k - 1)) * Double(excess.reduce(0, +))
  }

  /// 1 + the number of points that are nearer than `other`, or as near and before it.
  private static func rank(
    of other: Int, _ keys: UnsafeMutablePointer<Float>, count: Int
  ) -> Int {
    let key = keys[other]
    var nearer = 1
    for index in 0..<other where keys[index] <= key { nearer += 1 }
    for index in other..<count where keys[index] < key { nearer += 1 }
    return nearer
  }
}
