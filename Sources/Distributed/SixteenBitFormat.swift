import CompressionShim

/// Numbers of 16 bits that gradients travel as: the loops that turn floats into them and back.
///
/// Finite values beyond the format's largest become that one, so that the rest is an error to keep.
struct SixteenBitFormat: Sendable {
  /// Rounds values with their errors added, and puts into the errors what that loses.
  let compress:
    @Sendable @convention(c) (
      _ values: UnsafePointer<Float>?, _ errors: UnsafeMutablePointer<Float>?,
      _ bits: UnsafeMutablePointer<UInt16>?, _ count: Int
    ) -> Void
  /// Rounds sums, and adds to the errors what that loses.
  let roundSums:
    @Sendable @convention(c) (
      _ sums: UnsafePointer<Float>?, _ errors: UnsafeMutablePointer<Float>?,
      _ bits: UnsafeMutablePointer<UInt16>?, _ count: Int
    ) -> Void
  /// The numbers as floats.
  let expand:
    @Sendable @convention(c) (
      _ bits: UnsafePointer<UInt16>?, _ values: UnsafeMutablePointer<Float>?, _ count: Int
    ) -> Void
  /// Adds the numbers to sums of floats.
  let add:
    @Sendable @convention(c) (
      _ bits: UnsafePointer<UInt16>?, _ sums: UnsafeMutablePointer<Float>?, _ count: Int
    ) -> Void

  /// IEEE 754's binary16: 11 bits of precision up to 65,504.
  static let half = SixteenBitFormat(
    compress: fst_half_compress, roundSums: fst_half_round_sums, expand: fst_half_expand,
    add: fst_half_add)
  /// The upper half of a float: 8 bits of precision, with a float's range.
  static let bfloat = SixteenBitFormat(
    compress: fst_bfloat_compress, roundSums: fst_bfloat_round_sums, expand: fst_bfloat_expand,
    add: fst_bfloat_add)
}
