import Testing

/// Expects `actual` (row-major, PyTorch's layout) within a relative L2 error of `golden`.
public func expectClose(
  _ actual: [Float], _ golden: GoldenTensor, relative tolerance: Double, _ what: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let error = golden.relativeError(of: actual)
  #expect(
    error <= tolerance, "\(what) is off by \(error), \(actual.count) values for \(golden.shape)",
    sourceLocation: sourceLocation)
}

/// Expects `actual` within a relative L2 error of `expected`.
public func expectClose(
  _ actual: [Float], _ expected: [Float], relative tolerance: Double, _ what: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let error = relativeL2Error(actual, expected)
  #expect(
    error <= tolerance, "\(what) is off by \(error), \(actual.count) and \(expected.count) values",
    sourceLocation: sourceLocation)
}

/// Expects `actual` within a relative error of `expected`.
public func expectClose(
  _ actual: Double, _ expected: Double, relative tolerance: Double, _ what: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(
    abs(actual - expected) <= tolerance * abs(expected), "\(what) is \(actual) for \(expected)",
    sourceLocation: sourceLocation)
}
