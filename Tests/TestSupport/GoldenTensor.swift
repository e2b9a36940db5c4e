import Foundation

/// A tensor of a golden file: all of it, or independent projections of it where it is large.
///
/// A projected tensor holds its norm, its sum, its dot products with random vectors, and its first
/// and last values: the header of `Tests/Goldens/generate.py` says how and why.
public struct GoldenTensor: Sendable {
  enum Content: Sendable {
    case whole([Double])
    case projected(Projection)
  }

  struct Projection: Sendable {
    var norm: Double
    var sum: Double
    var dots: [Double]
    var first: [Double]
    var last: [Double]
  }

  /// The size of each dimension, in PyTorch's layout; empty for a scalar.
  public let shape: [Int]
  let content: Content

  /// The number of elements.
  public var count: Int { shape.reduce(1, *) }

  /// All values, row-major; nil where only projections are stored.
  public var values: [Float]? {
    if case .whole(let values) = content { values.map { Float($0) } } else { nil }
  }

  /// The relative L2 error of `actual`, row-major in PyTorch's layout.
  ///
  /// ‖actual − golden‖ / ‖golden‖; estimated for a projected tensor as the largest of: the root
  /// mean square of the errors of its dot products, times √3 as their weights have variance 1/3;
  /// the errors of norm and sum (the latter over √n); and the error of the stored values (over what
  /// share of the norm is theirs if all are alike). Infinite where the count is wrong or a value is
  /// not finite; absolute where the golden is zero.
  public func relativeError(of actual: [Float]) -> Double {
    guard actual.count == count, actual.allSatisfy(\.isFinite) else { return .infinity }
    switch content {
    case .whole(let values): return relativeL2Error(actual.map { Double($0) }, values)
    case .projected(let projection): return projection.relativeError(of: actual.map { Double($0) })
    }
  }
}

/// ‖actual − expected‖ / ‖expected‖ in float64; absolute where `expected` is zero.
public func relativeL2Error(_ actual: [Double], _ expected: [Double]) -> Double {
  guard actual.count == expected.count else { return .infinity }
  let error = length(zip(actual, expected).map { $0 - $1 })
  let size = length(expected)
  return size > 0 ? error / size : error
}

/// The same of float32 values, computed in float64.
public func relativeL2Error(_ actual: [Float], _ expected: [Float]) -> Double {
  relativeL2Error(actual.map { Double($0) }, expected.map { Double($0) })
}

func length(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

extension GoldenTensor.Projection {
  func relativeError(of actual: [Double]) -> Double {
    let count = Double(actual.count)
    let mine = dots.indices.map { j in
      zip(actual, Formula.uniform("dot/\(j)", count: actual.count)).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let ends = Array(actual.prefix(first.count)) + Array(actual.suffix(last.count))
    let errors = [
      length(zip(mine, dots).map { $0 - $1 }) * (3 / Double(dots.count)).squareRoot(),
      abs(length(actual) - norm),
      abs(actual.reduce(0, +) - sum) / count.squareRoot(),
      length(zip(ends, first + last).map { $0 - $1 }) * (count / Double(ends.count)).squareRoot(),
    ]
    return (errors.max() ?? .infinity) / (norm > 0 ? norm : 1)
  }
}

extension GoldenTensor {
  init(shape: [Any], parts: [String: Any], at path: String) throws {
    self.shape = try Self.numbers(shape, at: path).map { Int($0) }
    func list(_ key: String) throws -> [Double] {
      try Self.numbers(parts[key] as? [Any] ?? [], at: "\(path)/\(key)")
    }
    if parts["values"] != nil {
      content = .whole(try list("values"))
    } else {
      content = .projected(
        Projection(
          norm: try Self.number(parts["norm"], at: "\(path)/norm"),
          sum: try Self.number(parts["sum"], at: "\(path)/sum"), dots: try list("dots"),
          first: try list("first"), last: try list("last")))
    }
    if case .whole(let values) = content, values.count != count {
      throw GoldenError(description: "\(path): \(values.count) values for shape \(self.shape)")
    }
  }

  static func number(_ value: Any?, at path: String) throws -> Double {
    guard let number = value as? NSNumber else {
      throw GoldenError(description: "\(path): expected a number")
    }
    return number.doubleValue
  }

  static func numbers(_ values: [Any], at path: String) throws -> [Double] {
    try values.map { try number($0, at: path) }
  }
}
