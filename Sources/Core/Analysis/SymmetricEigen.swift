/// Leading eigenvectors of symmetric, positive semidefinite matrices.
enum SymmetricEigen {
  /// Vectors iterated on top of those asked for: the error falls by λ_(k + 8 + 1) / λ_k a round.
  private static let oversampling = 8
  private static let roundLimit = 300
  /// |A v - λ v| / λ_1 that ends the iteration: what float products leave of a matrix.
  private static let tolerance = 1e-6

  /// The `count` largest eigenvalues with vectors of length 1, largest first.
  ///
  /// Starts from vectors keyed by their index alone, so that the result is a function of `matrix`.
  static func leading(
    _ matrix: FeatureMatrix, count: Int, context: ComputeContext
  ) -> (values: [Double], vectors: [[Double]]) {
    let size = matrix.rows
    let width = min(size, count + oversampling)
    var basis = (0..<width).map { index in
      var stream = RandomStream(seed: 0, purpose: .initialization, index: index)
      return (0..<size).map { _ in Double(stream.nextNormal()) }
    }
    var values = [Double](repeating: 0, count: width)
    orthonormalize(&basis)
    for _ in 0..<roundLimit {
      let images = multiply(matrix, basis, context)
      let projected = basis.map { vector in images.map { dot(vector, $0) } }
      let rotation = jacobi(projected)
      values = rotation.values
      let rotated = rotate(images, rotation.vectors)
      let ritz = rotate(basis, rotation.vectors)
      let residual =
        (0..<count).map { index in
          zip(rotated[index], ritz[index]).reduce(0) { sum, pair in
            let difference = pair.0 - values[index] * pair.1
            return sum + difference * difference
          }.squareRoot()
        }.max() ?? 0
      if residual <= tolerance * values[0] {
        basis = ritz
        break
      }
      basis = rotated
      orthonormalize(&basis)
    }
    return (Array(values.prefix(count)), Array(basis.prefix(count)))
  }

  /// Σ a b in double, a in floats.
  static func dot(_ a: UnsafeMutablePointer<Float>, _ b: [Double]) -> Double {
    b.withUnsafeBufferPointer { b in
      var lanes = SIMD8<Double>.zero
      var index = 0
      while index + 8 <= b.count {
        let values = UnsafeRawPointer(b.baseAddress.unsafelyUnwrapped + index)
          .loadUnaligned(as: SIMD8<Double>.self)
        lanes += SIMD8<Double>(a.load8(index)) * values
        index += 8
      }
      var sum = lanes.sum()
      while index < b.count {
        sum += Double(a[index]) * b[index]
        index += 1
      }
      return sum
    }
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }

  private static func multiply(
    _ matrix: FeatureMatrix, _ vectors: [[Double]], _ context: ComputeContext
  ) -> [[Double]] {
    let size = matrix.rows
    var flat = [Double](repeating: 0, count: vectors.count * size)
    flat.withUnsafeMutableBufferPointer { flat in
      context.pool.forEachChunk(of: size, size: 64) { rows, _ in
        for row in rows {
          for (index, vector) in vectors.enumerated() {
            flat[index * size + row] = dot(matrix.row(row), vector)
          }
        }
      }
    }
    return vectors.indices.map { Array(flat[$0 * size..<($0 + 1) * size]) }
  }

  /// Σ_j coefficients[i][j] vectors[j] for each i.
  private static func rotate(_ vectors: [[Double]], _ coefficients: [[Double]]) -> [[Double]] {
    coefficients.map { row in
      var sum = [Double](repeating: 0, count: vectors[0].count)
      for (vector, factor) in zip(vectors, row) {
        for index in sum.indices { sum[index] += factor * vector[index] }
      }
      return sum
    }
  }

  /// Gram-Schmidt, twice for each vector; one that depends on those before it becomes zero.
  private static func orthonormalize(_ vectors: inout [[Double]]) {
    for index in vectors.indices {
      let before = dot(vectors[index], vectors[index]).squareRoot()
      for _ in 0..<2 {
        for earlier in 0..<index {
          let overlap = dot(vectors[index], vectors[earlier])
          for place in vectors[index].indices {
            vectors[index][place] -= overlap * vectors[earlier][place]
          }
        }
      }
      let length = dot(vectors[index], vectors[index]).squareRoot()
      let factor = length > 1e-14 * before ? 1 / length : 0
      for place in vectors[index].indices { vectors[index][place] *= factor }
    }
  }

  /// All eigenvalues of a small symmetric matrix, largest first, with their vectors as rows:
  /// cyclic Jacobi rotations.
  static func jacobi(_ matrix: [[Double]]) -> (values: [Double], vectors: [[Double]]) {
    let size = matrix.count
    var a = matrix
    var v = (0..<size).map { row in (0..<size).map { $0 == row ? 1.0 : 0.0 } }
    for _ in 0..<60 {
      var off = 0.0
      for p in 0..<size { for q in 0..<p { off += a[p][q] * a[p][q] } }
      let diagonal = (0..<size).reduce(0) { $0 + a[$1][$1] * a[$1][$1] }
      if off <= 1e-30 * diagonal { break }
      for p in 0..<size { for q in 0..<p where a[p][q] != 0 { rotatePair(q, p, &a, &v) } }
    }
    let order = (0..<size).sorted { a[$0][$0] > a[$1][$1] }
    return (order.map { a[$0][$0] }, order.map { v[$0] })
  }

  /// Makes a[p][q] zero by turning rows and columns p and q, and rows p and q of the vectors.
  private static func rotatePair(_ p: Int, _ q: Int, _ a: inout [[Double]], _ v: inout [[Double]]) {
    let theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
    let tangent = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
    let cosine = 1 / (tangent * tangent + 1).squareRoot()
    let sine = tangent * cosine
    for k in a.indices {
      (a[k][p], a[k][q]) = (
        cosine * a[k][p] - sine * a[k][q], sine * a[k][p] + cosine * a[k][q]
      )
    }
    for k in a.indices {
      (a[p][k], a[q][k]) = (
        cosine * a[p][k] - sine * a[q][k], sine * a[p][k] + cosine * a[q][k]
      )
      (v[p][k], v[q][k]) = (
        cosine * v[p][k] - sine * v[q][k], sine * v[p][k] + cosine * v[q][k]
      )
    }
  }
}
