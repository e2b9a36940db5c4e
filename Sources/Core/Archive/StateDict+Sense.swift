extension StateDict {
  /// The most batches that a BatchNorm is taken to have seen; the next one must not overflow.
  static let largestBatchCount: Int64 = 1 << 53

  /// What no training that went well comes to, in words; nil where there is nothing of the kind.
  ///
  /// A weight, a bias or a running statistic that is not finite, a running variance below 0, or a
  /// count of batches beyond 0 to 2^53. A model with such values still gives every image a class,
  /// so its rates would look like any other's.
  public var problem: String? {
    for entry in entries {
      switch entry.values {
      case .float32(let values):
        let isVariance = entry.name.hasSuffix(".running_var")
        guard let index = values.firstIndex(where: { !$0.isFinite || (isVariance && $0 < 0) })
        else { continue }
        return "\(entry.name)[\(Self.position(index, in: entry.shape))]: expected "
          + (isVariance ? "a finite number that is not negative" : "a finite number")
          + ", found \(values[index]); did its training diverge?"
      case .int64(let values):
        guard let value = values.first(where: { !(0...Self.largestBatchCount).contains($0) })
        else { continue }
        return "\(entry.name): expected 0 to \(Self.largestBatchCount), found \(value)"
      }
    }
    return nil
  }

  /// Throws `StateDictMismatch` where there is a `problem`.
  public func requireSense() throws {
    if let problem { throw StateDictMismatch(description: problem) }
  }

  /// The place of the row-major element `index`, one number for each dimension.
  private static func position(_ index: Int, in shape: [Int]) -> String {
    var rest = index
    let places = shape.reversed().map { size in
      defer { rest /= max(size, 1) }
      return rest % max(size, 1)
    }
    return places.reversed().map(String.init).joined(separator: ", ")
  }
}
