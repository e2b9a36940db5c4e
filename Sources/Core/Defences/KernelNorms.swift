/// Spectral norms of convolutions' kernels, eight output channels at a time, one in each lane.
package enum KernelNorms {
  private typealias Lanes = SIMD8<Double>

  /// The squared spectral norm of each output channel's weights as a matrix [in, k k]: [out].
  package static func squared(of kernel: ParameterSlot, in store: ParameterStore) -> [Double] {
    let (outputs, area) = (kernel.shape[0], kernel.shape[2] * kernel.shape[3])
    return stride(from: 0, to: outputs, by: Lanes.scalarCount).flatMap { first in
      let norms = largestEigenvalues(gram(of: kernel, from: first, in: store), order: area)
      return (0..<min(Lanes.scalarCount, outputs - first)).map { norms[$0] }
    }
  }

  /// Wᵀ W of the channels from `first` on, W being a channel's matrix [in, k k]: [k k, k k].
  private static func gram(
    of kernel: ParameterSlot, from first: Int, in store: ParameterStore
  ) -> [Lanes] {
    let (outputs, inputs) = (kernel.shape[0], kernel.shape[1])
    let area = kernel.shape[2] * kernel.shape[3]
    // HWIO in memory: all output channels of a place and an input lie side by side.
    let weights = store.values.pointer + kernel.offset + first
    let count = min(Lanes.scalarCount, outputs - first)
    var gram = [Lanes](repeating: .zero, count: area * area)
    var taps = [Lanes](repeating: .zero, count: area)
    gram.withUnsafeMutableBufferPointer { gram in
      taps.withUnsafeMutableBufferPointer { taps in
        for input in 0..<inputs {
          for place in 0..<area {
            let row = weights + (place * inputs + input) * outputs
            if count == Lanes.scalarCount {
              taps[place] = Lanes(row.load8())
            } else {
              for lane in 0..<count { taps[place][lane] = Double(row[lane]) }
            }
          }
          for one in 0..<area {
            for other in 0...one { gram[one * area + other].addProduct(taps[one], taps[other]) }
          }
        }
        for one in 0..<area {
          for other in 0..<one { gram[other * area + one] = gram[one * area + other] }
        }
      }
    }
    return gram
  }

  /// The largest eigenvalues of symmetric, positive semidefinite matrices, one in each lane.
  ///
  /// Power iteration by the matrix's 256th power, from the row with the largest diagonal element: where
  /// the second eigenvalue is close to the first, the matrix itself would take a thousand rounds.
  private static func largestEigenvalues(_ matrix: [Lanes], order: Int) -> Lanes {
    var (vector, largest) = ([Lanes](repeating: .zero, count: order), Lanes.zero)
    for row in 0..<order {
      let diagonal = matrix[row * (order + 1)]
      let isLarger = diagonal .> largest
      largest.replace(with: diagonal, where: isLarger)
      for column in 0..<order {
        vector[column].replace(with: matrix[row * order + column], where: isLarger)
      }
    }
    var power = matrix
    for _ in 0..<8 { power = squared(power, order: order) }
    var value = Lanes.zero
    for _ in 0..<10_000 {
      vector = product(power, vector)
      let scale = 1 / orOne(dot(vector, vector)).squareRoot()
      vector = vector.map { $0 * scale }
      let next = dot(vector, product(matrix, vector))
      let change = pointwiseMax(next - value, value - next)
      value = next
      if all(change .<= 1e-14 * next) { break }
    }
    return value
  }

  /// The square of a symmetric matrix over its trace, so that no power of it leaves the range.
  private static func squared(_ matrix: [Lanes], order: Int) -> [Lanes] {
    var trace = Lanes.zero
    for row in 0..<order { trace += matrix[row * (order + 1)] }
    let scale = 1 / orOne(trace)
    let scaled = matrix.map { $0 * scale }
    return stride(from: 0, to: scaled.count, by: order).flatMap {
      product(scaled, Array(scaled[$0..<$0 + order]))
    }
  }

  private static func product(_ matrix: [Lanes], _ vector: [Lanes]) -> [Lanes] {
    matrix.withUnsafeBufferPointer { matrix in
      vector.withUnsafeBufferPointer { vector in
        vector.indices.map { row in
          var sum = Lanes.zero
          for (column, entry) in vector.enumerated() {
            sum.addProduct(matrix[row * vector.count + column], entry)
          }
          return sum
        }
      }
    }
  }

  private static func dot(_ a: [Lanes], _ b: [Lanes]) -> Lanes {
    zip(a, b).reduce(into: .zero) { $0.addProduct($1.0, $1.1) }
  }

  /// 1 for 0: what a channel of zeros is divided by.
  private static func orOne(_ lanes: Lanes) -> Lanes {
    lanes.replacing(with: 1, where: lanes .== 0)
  }
}
