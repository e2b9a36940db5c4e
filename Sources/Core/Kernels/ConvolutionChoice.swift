/// Which convolution kernels a context uses.
public enum ConvolutionChoice: String, CaseIterable, Sendable {
  /// What measurement found fastest for each layer.
  case automatic
  /// Patch matrices for every layer: the reference.
  case im2col
}
