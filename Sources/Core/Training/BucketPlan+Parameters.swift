import Distributed

extension BucketPlan {
  /// Plans the sums of the gradients of `parameters`, the last of a buffer of `end` floats, which
  /// travel by `compression`; `cap` is in bytes.
  init(
    _ parameters: [ParameterSlot], endingAt end: Int? = nil, for compression: GradientCompression,
    cap: Int = defaultCap
  ) {
    let ready = parameters.reversed()
    self.init(
      sizesInReadyOrder: ready.map(\.count), rowsInReadyOrder: ready.map(\.rows), endingAt: end,
      edgeCap: min(Self.defaultEdgeCap, cap), cap: cap, cutsSlots: compression != .powersgd)
  }
}

extension ParameterSlot {
  /// The rows in which its floats lie as a matrix: of kernels those of all inputs, of other weights
  /// the outputs; 1 where it is a vector.
  fileprivate var rows: Int {
    if shape.count < 2 || count == 0 { return 1 }
    return layout == .convolutionHWIO ? fanIn : shape[0]
  }
}
