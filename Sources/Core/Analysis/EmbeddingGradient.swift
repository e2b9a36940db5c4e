import Distributed
import Foundation

/// The gradient of t-SNE's objective, KL(P || Q), with respect to the points' places.
///
/// ∂KL/∂y_i = 4 (Σ_j p_ij q_ij (y_i - y_j) - Σ_j q_ij² (y_i - y_j) / Z), with q_ij =
/// 1 / (1 + |y_i - y_j|²) and Z = Σ_{i≠j} q_ij (van der Maaten and Hinton 2008); the second sum and
/// Z by Barnes and Hut. It owns the tree and the forces' memory. Each point's sums are computed by
/// one thread in a fixed order, and Z is added up in Morton order: the same bits for any number of
/// threads.
package final class EmbeddingGradient {
  /// The last gradient, [n, 2].
  package let gradient: FloatBuffer
  /// Z of the last evaluation.
  package private(set) var normalization = 0.0

  private let affinities: Affinities
  private let context: ComputeContext
  private var tree: Quadtree
  private let repulsion: FloatBuffer
  private let partitions: FloatBuffer

  /// Points of a chunk that one thread computes.
  private static let chunk = 64

  /// A gradient over `affinities`; `angle` is Barnes and Hut's θ, 0 for exact sums.
  package init(affinities: Affinities, angle: Float, context: ComputeContext) {
    self.affinities = affinities
    self.context = context
    tree = Quadtree(count: affinities.count, angle: angle)
    gradient = FloatBuffer(count: 2 * affinities.count)
    repulsion = FloatBuffer(count: 2 * affinities.count)
    partitions = FloatBuffer(count: tree.x.count)
  }

  /// Computes the gradient at `positions`, [n, 2]; P is multiplied by `exaggeration`.
  package func evaluate(at positions: FloatBuffer, exaggeration: Float = 1) {
    let count = affinities.count
    let forces = gradient.pointer
    withAttraction(positions) { attraction in
      context.pool.forEachChunk(
        of: count, size: Self.chunk, beside: { tree.build(positions.pointer) }
      ) { points, _ in
        for point in points { attraction.force(on: point, into: forces + 2 * point) }
      }
    }
    repel()
    let (pull, push) = (4 * exaggeration, Float(4 / normalization))
    let repulsion = repulsion.pointer
    for index in 0..<2 * count {
      forces[index] = pull * forces[index] - push * repulsion[index]
    }
  }

  /// KL(P || Q) at the places of the last evaluation, with its Z.
  package func divergence(at positions: FloatBuffer) -> Double {
    affinities.negativeEntropy + crossEntropy(positions)
      + Foundation.log(normalization)
  }

  /// KL(P || Q) at `positions`, with Z summed over all pairs.
  package func exactDivergence(at positions: FloatBuffer) -> Double {
    let exact = EmbeddingGradient(affinities: affinities, angle: 0, context: context)
    exact.tree.build(positions.pointer)
    exact.repel()
    return exact.divergence(at: positions)
  }

  /// The repulsive sums and Z at the tree's places.
  private func repel() {
    let count = affinities.count
    let memory = context.scratch.perThread(Repulsion.memory(points: count))
    let (repulsion, partitions) = (repulsion.pointer, partitions.pointer)
    tree.nodes.withUnsafeBufferPointer { nodes in
      tree.order.points.withUnsafeBufferPointer { points in
        let forces = Repulsion(tree: nodes, x: tree.x.pointer, y: tree.y.pointer, count: count)
        context.pool.forEachChunk(of: count, size: Repulsion.group) { places, thread in
          forces.forEachPoint(places, memory: memory[thread]) { place, sums in
            // Each point met itself, at distance 0.
            partitions[place] = sums.q - 1
            repulsion.store2(SIMD2(sums.x, sums.y), Int(points[place]))
          }
        }
      }
    }
    var sum = 0.0
    for place in 0..<count { sum += Double(partitions[place]) }
    normalization = sum
  }

  private func crossEntropy(_ positions: FloatBuffer) -> Double {
    let count = affinities.count
    var parts = [Double](repeating: 0, count: (count + Self.chunk - 1) / Self.chunk)
    parts.withUnsafeMutableBufferPointer { parts in
      withAttraction(positions) { attraction in
        context.pool.forEachChunk(of: count, size: Self.chunk) { points, _ in
          parts[points.lowerBound / Self.chunk] = points.reduce(0) {
            $0 + attraction.crossEntropy(of: $1)
          }
        }
      }
    }
    return parts.reduce(0, +)
  }

  private func withAttraction(_ positions: FloatBuffer, _ body: (Attraction) -> Void) {
    affinities.rowStarts.withUnsafeBufferPointer { starts in
      affinities.columns.withUnsafeBufferPointer { columns in
        body(
          Attraction(
            rowStarts: starts, columns: columns.baseAddress.unsafelyUnwrapped,
            values: affinities.values.pointer,
            positions: positions.pointer))
      }
    }
  }
}
