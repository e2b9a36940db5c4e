/// How one layer's convolution is computed; `init` is the one place where that is decided.
///
/// | layer | kernel | product |
/// |---|---|---|
/// | 3x3, stride 1 or 2, channels in 16s, outputs in 4x4 tiles | Winograd | `PackedGEMM` |
/// | any other: stem, 1x1, odd sizes | patch matrices | `PackedGEMM`, OpenBLAS |
///
/// With `--precision int16` Winograd's products are `FixedPointGEMM`'s; patches stay floats.
///
/// Of patches OpenBLAS makes the products whose columns are no whole panels of 16.
///
/// On Zen 5 (FMA peak 262 GFLOP/s a core; `fst bench kernels`, GFLOP/s of one thread at 64 to 512
/// channels) `PackedGEMM` reached 206-242 with 512-bit vectors and 110-125 with 256-bit ones,
/// OpenBLAS 0.3.21 97-109; transposed products 208-232, 109-123 and 99-111.
enum ConvolutionAlgorithm: Sendable {
  case winograd(WinogradConvolution)
  case im2col(Im2ColConvolution)

  init(_ geometry: ConvolutionGeometry, for precision: ProductPrecision = .float32) {
    if let winograd = WinogradConvolution(geometry, for: precision) {
      self = .winograd(winograd)
    } else {
      self = .im2col(Im2ColConvolution(geometry: geometry))
    }
  }
}
