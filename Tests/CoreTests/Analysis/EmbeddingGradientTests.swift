import Core
import Distributed
import Foundation
import TestSupport
import Testing

/// t-SNE's gradient and divergence against direct sums in double precision.
@Suite struct EmbeddingGradientTests {
  /// Affinities of the 400 clustered points, and places about as wide as a finished embedding's.
  private static func problem(
    count: Int = 400, perplexity: Double = 30, scale: Float = 10
  ) throws -> (affinities: Affinities, positions: FloatBuffer, context: ComputeContext) {
    let context = ComputeContext(threads: 2)
    let points = TSNEPoints.first(count, of: try TSNEPoints.clusters())
    let places = TSNEPoints.normal(count, 2, seed: 3)
    return (
      Affinities(points, perplexity: perplexity, context: context),
      FloatBuffer(places.buffer.array.map { scale * $0 }), context
    )
  }

  /// KL and its gradient at `places` by their definitions.
  private static func direct(
    _ p: Affinities, _ places: [Double], exaggeration: Double = 1
  ) -> (divergence: Double, gradient: [Double]) {
    let n = p.count
    func q(_ i: Int, _ j: Int) -> Double {
      let (x, y) = (places[2 * i] - places[2 * j], places[2 * i + 1] - places[2 * j + 1])
      return 1 / (1 + x * x + y * y)
    }
    var z = 0.0
    for i in 0..<n { for j in 0..<n where j != i { z += q(i, j) } }
    var (divergence, gradient) = (0.0, [Double](repeating: 0, count: 2 * n))
    for i in 0..<n {
      var row = [Double](repeating: 0, count: n)
      for entry in p.rowStarts[i]..<p.rowStarts[i + 1] {
        row[Int(p.columns[entry])] += Double(p.values.pointer[entry])
      }
      for j in 0..<n where j != i {
        let q = q(i, j)
        if row[j] > 0 { divergence += row[j] * log(row[j] * z / q) }
        let factor = 4 * (exaggeration * row[j] - q / z) * q
        for axis in 0..<2 {
          gradient[2 * i + axis] += factor * (places[2 * i + axis] - places[2 * j + axis])
        }
      }
    }
    return (divergence, gradient)
  }

  @Test(arguments: [Float(1e-4), 1, 10, 50]) func exactSumsAreTheDefinition(scale: Float) throws {
    let (affinities, positions, context) = try Self.problem(scale: scale)
    let exact = Self.direct(affinities, positions.array.map(Double.init), exaggeration: 12)
    let gradient = EmbeddingGradient(affinities: affinities, angle: 0, context: context)
    gradient.evaluate(at: positions, exaggeration: 12)
    expectClose(gradient.gradient.array, exact.gradient.map { Float($0) }, relative: 1e-5)
    expectClose(gradient.divergence(at: positions), exact.divergence, relative: 1e-5)
    expectClose(gradient.exactDivergence(at: positions), exact.divergence, relative: 1e-5)
  }

  /// Central differences of the divergence in double: step 1e-4, errors of order 1e-8.
  @Test func theGradientIsTheDivergencesDerivative() throws {
    let (affinities, positions, context) = try Self.problem(count: 60, perplexity: 10, scale: 2)
    let gradient = EmbeddingGradient(affinities: affinities, angle: 0, context: context)
    gradient.evaluate(at: positions)
    let places = positions.array.map(Double.init)
    let differences = places.indices.map { index in
      var (lower, upper) = (places, places)
      lower[index] -= 1e-4
      upper[index] += 1e-4
      return Float(
        (Self.direct(affinities, upper).divergence - Self.direct(affinities, lower).divergence)
          / 2e-4)
    }
    expectClose(gradient.gradient.array, differences, relative: 1e-5)
  }

  /// What a square of width w < θ d at distance d neglects is of second order in θ.
  ///
  /// N-body codes see errors of about 1 % of a force at θ = 1 (Hernquist 1987). The limit of 5 %
  /// leaves room for what cancels between attraction and repulsion.
  @Test(arguments: [Float(1), 10, 50]) func barnesAndHutStayNear(scale: Float) throws {
    let (affinities, positions, context) = try Self.problem(scale: scale)
    let exact = EmbeddingGradient(affinities: affinities, angle: 0, context: context)
    let near = EmbeddingGradient(affinities: affinities, angle: 0.5, context: context)
    exact.evaluate(at: positions)
    near.evaluate(at: positions)
    expectClose(near.gradient.array, exact.gradient.array, relative: 0.05)
    expectClose(near.normalization, exact.normalization, relative: 0.05)
    #expect(near.gradient.array != exact.gradient.array)
  }

  @Test func identicalPlacesCountAsTheyShould() throws {
    let (affinities, positions, context) = try Self.problem()
    for index in 0..<600 { positions.pointer[index] = index % 2 == 0 ? 1 : 2 }
    let exact = Self.direct(affinities, positions.array.map(Double.init))
    for angle in [Float(0), 0.5] {
      let gradient = EmbeddingGradient(affinities: affinities, angle: angle, context: context)
      gradient.evaluate(at: positions)
      expectClose(
        gradient.gradient.array, exact.gradient.map { Float($0) },
        relative: angle == 0 ? 1e-5 : 0.05)
    }
  }
}
