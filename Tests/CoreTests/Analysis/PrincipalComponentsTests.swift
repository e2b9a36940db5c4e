import Core
import Distributed
import TestSupport
import Testing

/// Principal components against what is known of them.
@Suite struct PrincipalComponentsTests {
  /// More points than features, and fewer: the two ways to the same components.
  @Test(arguments: [(300, 20), (20, 300)]) func pointsInAPlaneKeepTheirDistances(
    rows: Int, columns: Int
  ) {
    let (plane, axes) = (TSNEPoints.normal(rows, 2), TSNEPoints.normal(2, columns, seed: 1))
    let points = FeatureMatrix(
      rows: rows, columns: columns,
      values: (0..<rows).flatMap { row in
        zip(axes[0], axes[1]).map { 5 + 3 * plane[row][0] * $0 + plane[row][1] * $1 }
      })
    let scores = PrincipalComponents(points, count: 2, context: ComputeContext(threads: 2)).scores
    func distances(_ matrix: FeatureMatrix) -> [Float] {
      (1..<rows).map { row in
        zip(matrix[row], matrix[0]).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      }
    }
    // Scores have a common factor.
    let (expected, found) = (distances(points), distances(scores))
    let factor = dot(found, expected) / dot(found, found)
    expectClose(found.map { $0 * Float(factor) }, expected, relative: 1e-4)
    #expect(abs(dot((0..<rows).map { scores[$0][0] }, (0..<rows).map { scores[$0][1] })) < 1e-3)
  }

  @Test func theSignIsThatOfTheFarthestPoint() {
    let points = FeatureMatrix(rows: 4, columns: 1, values: [1, 2, 3, -9])
    let context = ComputeContext(threads: 1)
    let scores = PrincipalComponents(points, count: 2, context: context).scores
    #expect(scores[3][0] > 0 && scores[0][0] < 0)
    #expect((0..<4).allSatisfy { scores[$0][1] == 0 })
  }

  @Test func bitsDoNotDependOnTheNumberOfThreads() throws {
    let points = try TSNEPoints.clusters()
    let scores = [1, 2, 3].map {
      PrincipalComponents(points, count: 2, context: ComputeContext(threads: $0))
        .scores.buffer.array
    }
    #expect(scores[1] == scores[0] && scores[2] == scores[0])
  }
}
