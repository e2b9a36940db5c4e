import Core
import Distributed
import TestSupport
import Testing

/// Trustworthiness against scikit-learn's and closed forms.
@Suite struct TrustworthinessTests {
  @Test(arguments: [5, 12]) func isScikitLearns(neighbours: Int) throws {
    let points = try TSNEPoints.clusters()
    let projection = FeatureMatrix(
      rows: points.rows, columns: 2, values: (0..<points.rows).flatMap { points[$0][..<2] })
    let value = try Trustworthiness.of(
      points, embedding: projection, neighbours: neighbours, context: ComputeContext(threads: 2))
    let golden = try TSNEPoints.golden.get()
    // Equal but for points at equal distances, which the two may take in another order: eighths in
    // two dimensions have many.
    expectClose(
      value, try golden.number("projection_trustworthiness/\(neighbours)"), relative: 5e-3)
  }

  @Test func isOneForTheSamePoints() throws {
    let points = TSNEPoints.normal(100, 4)
    let context = ComputeContext(threads: 2)
    #expect(try Trustworthiness.of(points, embedding: points, context: context) == 1)
  }

  /// Points 0…5 on a line, of which 0 is moved beyond 5: by the definition, by hand.
  @Test func isTheDefinition() throws {
    let points = FeatureMatrix(rows: 6, columns: 1, values: [0, 1, 2, 3, 4, 5])
    let embedding = FeatureMatrix(rows: 6, columns: 1, values: [5.5, 1, 2, 3.25, 4.625, 5])
    let value = try Trustworthiness.of(
      points, embedding: embedding, neighbours: 1, context: ComputeContext(threads: 1))
    // Nearest, and its place among the points: 0 → 5 (fifth), 1 → 2 (second: 0 is as near), 2 → 1,
    // 3 → 2, 4 → 5 (second), 5 → 4. What they exceed 1 by adds up to 6.
    #expect(abs(value - (1 - 2.0 / (6 * 1 * (12 - 3 - 1)) * 6)) < 1e-12)
  }

  @Test func tooManyNeighboursAreRefused() {
    let points = TSNEPoints.normal(10, 2)
    #expect(throws: EmbeddingError.neighbours(5, points: 10)) {
      try Trustworthiness.of(
        points, embedding: points, neighbours: 5, context: ComputeContext(threads: 1))
    }
  }
}
