import Core
import Distributed
import Foundation
import TestSupport
import Testing

/// Neighbours, perplexities and the joint probabilities against direct evaluations.
@Suite struct AffinitiesTests {
  @Test(arguments: [(400, 32), (97, 3), (33, 100)]) func neighboursAreTheNearest(
    rows: Int, columns: Int
  ) {
    // An offset that plain products of floats would not survive.
    let points = TSNEPoints.normal(rows, columns)
    for index in 0..<rows * columns { points.buffer.pointer[index] += 1000 }
    let k = min(rows / 3, 40)
    let found = NearestNeighbours.find(points, count: k, context: ComputeContext(threads: 2))
    for row in 0..<rows {
      let distances = (0..<rows).map { other in
        zip(points[row], points[other]).reduce(0.0) {
          $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
        }
      }
      let order = (0..<rows).filter { $0 != row }.sorted { distances[$0] < distances[$1] }
      let indices = found.indices[row * k..<(row + 1) * k].map { Int($0) }
      for (place, index) in indices.enumerated() {
        // Equal but for what adding and taking off 1000 rounds.
        #expect(abs(distances[index] - distances[order[place]]) <= 1e-3 * distances[index])
      }
      #expect(Set(indices).count == k && !indices.contains(row))
    }
  }

  @Test func equalDistancesAreOrderedByIndex() {
    let points = FeatureMatrix(rows: 50, columns: 2)
    let found = NearestNeighbours.find(points, count: 5, context: ComputeContext(threads: 1))
    #expect(found.squaredDistances.allSatisfy { $0 == 0 })
    #expect(Set(found.indices[0..<5]).count == 5)
  }

  @Test(arguments: [2.0, 10, 30, 50]) func rowsHaveThePerplexityAskedFor(perplexity: Double) throws
  {
    let points = try TSNEPoints.clusters()
    let k = Int(3 * perplexity + 1)
    let found = NearestNeighbours.find(points, count: k, context: ComputeContext(threads: 2))
    for row in 0..<points.rows {
      let distances = Array(found.squaredDistances[row * k..<(row + 1) * k])
      let weights = Self.weights(distances, perplexity)
      let entropy = weights.reduce(0) { $1 > 0 ? $0 - $1 * log($1) : $0 }
      #expect(abs(exp(entropy) - perplexity) < 1e-5 * perplexity)
      #expect(abs(weights.reduce(0, +) - 1) < 1e-12)
      // Gaussian: log p falls linearly with the squared distance.
      let beta = log(weights[0] / weights[k / 2]) / Double(distances[k / 2] - distances[0])
      for (weight, distance) in zip(weights, distances) {
        let expected = weights[0] * exp(-beta * Double(distance - distances[0]))
        #expect(abs(weight - expected) <= 1e-4 * weight + 1e-12)
      }
    }
  }

  @Test func aPerplexityThatEqualDistancesForbidIsApproached() {
    let equal = Self.weights([Float](repeating: 2, count: 31), 10)
    #expect(equal.allSatisfy { abs($0 - 1.0 / 31) < 1e-12 })
    let twenty = Self.weights((0..<31).map { $0 < 20 ? 0 : 1 }, 10)
    #expect(twenty.allSatisfy { $0.isFinite })
    #expect(twenty[20...].allSatisfy { $0 < 1e-6 })
  }

  @Test func jointProbabilitiesAreSymmetricAndSumToOne() throws {
    let p = Affinities(
      try TSNEPoints.clusters(), perplexity: 30, context: ComputeContext(threads: 2))
    var joint: [[Int32: Float]] = []
    var (sum, entropy) = (0.0, 0.0)
    for row in 0..<p.count {
      #expect(p.rowStarts[row] % 8 == 0)
      var entries: [Int32: Float] = [:]
      for entry in p.rowStarts[row]..<p.rowStarts[row + 1] where p.values.pointer[entry] > 0 {
        let (column, value) = (p.columns[entry], p.values.pointer[entry])
        #expect(entries[column] == nil && column != Int32(row))
        entries[column] = value
        sum += Double(value)
        entropy += Double(value) * log(Double(value))
      }
      joint.append(entries)
    }
    #expect(abs(sum - 1) < 1e-5)
    expectClose(p.negativeEntropy, entropy, relative: 1e-9)
    for row in 0..<p.count {
      #expect(joint[row].allSatisfy { joint[Int($0.key)][Int32(row)] == $0.value })
    }
  }

  private static func weights(_ distances: [Float], _ perplexity: Double) -> [Double] {
    var weights = [Double](repeating: 0, count: distances.count)
    distances.withUnsafeBufferPointer { distances in
      weights.withUnsafeMutableBufferPointer {
        Perplexity.weights(distances, perplexity: perplexity, into: $0)
      }
    }
    return weights
  }
}
