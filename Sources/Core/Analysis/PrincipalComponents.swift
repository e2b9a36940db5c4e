import Distributed

/// The directions of largest variance, and the points' places along them.
///
/// The smaller of XᵀX and XXᵀ is formed by blocked products, of centred X, and its leading
/// eigenvectors found by subspace iteration with Rayleigh-Ritz rotations (Golub and Van Loan,
/// section 8.2). A component's sign is that which makes its score of largest magnitude positive.
public struct PrincipalComponents: Sendable {
  /// The points along each component, largest variance first, up to one common factor; [n, k].
  public let scores: FeatureMatrix

  /// Rows of a product's block.
  private static let blockRows = 64

  /// Finds the first `count` components of `points`, whose numbers are finite.
  ///
  /// Where there are fewer features or points than components, the scores of the rest are zero.
  public init(_ points: FeatureMatrix, count: Int, context: ComputeContext) {
    self.init(centred: DistanceBlocks.centred(points), count: count, context: context)
  }

  init(centred: FeatureMatrix, count: Int, context: ComputeContext) {
    let isWide = centred.columns > centred.rows
    let gram = Self.gram(centred, ofRows: isWide, context)
    let size = gram.rows
    let found = min(count, size)
    let eigen = SymmetricEigen.leading(gram, count: found, context: context)
    scores = FeatureMatrix(rows: centred.rows, columns: count)
    for component in 0..<found {
      let vector = eigen.vectors[component]
      if isWide {
        let length = max(eigen.values[component], 0).squareRoot()
        for row in 0..<centred.rows {
          scores.row(row)[component] = Float(vector[row] * length)
        }
      } else {
        context.pool.forEachChunk(of: centred.rows, size: Self.blockRows) { rows, _ in
          for row in rows {
            scores.row(row)[component] = Float(SymmetricEigen.dot(centred.row(row), vector))
          }
        }
      }
      fixSign(component)
    }
  }

  private func fixSign(_ component: Int) {
    var extreme: Float = 0
    for row in 0..<scores.rows {
      let score = scores.row(row)[component]
      if abs(score) > abs(extreme) { extreme = score }
    }
    if extreme >= 0 { return }
    for row in 0..<scores.rows { scores.row(row)[component].negate() }
  }

  /// XXᵀ or XᵀX, computed by blocks of rows that are the same for any number of threads.
  private static func gram(
    _ x: FeatureMatrix, ofRows: Bool, _ context: ComputeContext
  ) -> FeatureMatrix {
    let size = ofRows ? x.rows : x.columns
    let result = FeatureMatrix(rows: size, columns: size)
    context.pool.forEachChunk(of: size, size: blockRows) { block, _ in
      let start = ofRows ? x.row(block.lowerBound) : x.pointer + block.lowerBound
      GEMM.multiply(
        MatrixView(pointer: start, stride: x.columns, order: ofRows ? .asStored : .transposed),
        MatrixView(
          pointer: x.pointer, stride: x.columns, order: ofRows ? .transposed : .asStored),
        into: MatrixView(pointer: result.row(block.lowerBound), stride: size), m: block.count,
        n: size, k: ofRows ? x.columns : x.rows)
    }
    return result
  }
}
