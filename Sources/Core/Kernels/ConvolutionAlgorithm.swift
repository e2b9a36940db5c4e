/// Which convolution kernels a context uses.
public enum ConvolutionChoice: String, CaseIterable, Sendable {
  /// What measurement found fastest for each layer.
  case automatic
  /// Patch matrices for every layer: the reference.
  case im2col
}

/// How one layer's convolution is computed; `init` is the one place where that is decided.
///
/// | layer | kernel | product |
/// |---|---|---|
/// | 3x3, stride 1 or 2, channels in 16s, outputs in 4x4 tiles | Winograd | `PackedGEMM` |
/// | any other: stem, 1x1, odd sizes | patch matrices | OpenBLAS |
///
/// On Zen 4 (FMA peak 117 GFLOP/s a core) `PackedGEMM` reached 102-110 GFLOP/s at up to 256
/// channels, and 92 at 512; OpenBLAS 0.3.21 89-111 and 87. Transposed products: 86-109 against
/// 91-104.
enum ConvolutionAlgorithm: Sendable {
  case winograd(WinogradConvolution)
  case im2col(Im2ColConvolution)

  init(_ geometry: ConvolutionGeometry) {
    if let winograd = WinogradConvolution(geometry) {
      self = .winograd(winograd)
    } else {
      self = .im2col(Im2ColConvolution(geometry: geometry))
    }
  }
}
