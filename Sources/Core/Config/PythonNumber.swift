extension Double {
  /// This number as Python's `repr` writes it: `0.1`, `0.0`, `1e-05`, `nan`, `inf`.
  ///
  /// Both languages print the shortest digits that read back as the same number, and both change to an
  /// exponent of at least two digits below 1e-4 and from 1e16 on.
  package var pythonRepr: String {
    if isNaN { return "nan" }
    if isInfinite { return self < 0 ? "-inf" : "inf" }
    return description
  }
}
