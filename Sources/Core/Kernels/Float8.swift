/// Eight floats that are computed together: one 256-bit register of x86-64-v3, two of NEON's.
///
/// Only `addingProduct` becomes one fused instruction; a constant is negated rather than the
/// product.
typealias Float8 = SIMD8<Float>

extension UnsafeMutablePointer where Pointee == Float {
  /// The eight floats at `offset`, which need not be aligned.
  @inline(__always)
  func load8(_ offset: Int = 0) -> Float8 {
    UnsafeRawPointer(self + offset).loadUnaligned(as: Float8.self)
  }

  /// Writes eight floats at `offset`, which need not be aligned.
  @inline(__always)
  func store8(_ value: Float8, _ offset: Int = 0) {
    UnsafeMutableRawPointer(self + offset).storeBytes(of: value, as: Float8.self)
  }
}

extension SIMD8 where Scalar == Float {
  /// max(self, 0) in one instruction.
  @inline(__always)
  var rectified: Float8 { replacing(with: 0, where: self .< 0) }
}

/// Calls `body` with 0, 8, 16, … below `count`.
///
/// A plain loop: `stride(from:to:by:)` calls its iterator where the compiler does not see through
/// closures.
@inline(__always)
func forEachEight(of count: Int, _ body: (Int) -> Void) {
  var index = 0
  while index < count {
    body(index)
    index = index &+ 8
  }
}

/// Whether `mask` holds in any lane: by four instructions where `any` calls a function.
@inline(__always)
func anyLane(_ mask: SIMDMask<SIMD8<Int32>>) -> Bool {
  let lanes = unsafeBitCast(mask, to: SIMD4<UInt64>.self)
  let folded = lanes.lowHalf | lanes.highHalf
  return folded.x | folded.y != 0
}
