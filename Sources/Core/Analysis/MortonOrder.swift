import Distributed

/// Points of the plane in the order of their cells along a Z-shaped curve.
///
/// The square around all points is cut into 2^16 x 2^16 cells; a cell's code interleaves the bits
/// of its column and row, so that each square of a quadtree is a contiguous range of codes.
struct MortonOrder {
  /// Bits of a coordinate: the levels of the quadtree below the root.
  static let levels = 16

  /// The side of the square around all points.
  private(set) var side: Float = 0
  /// Cell codes, ascending; [n].
  private(set) var codes: [UInt32]
  /// The point of each place, by index among equal codes; [n].
  private(set) var points: [Int32]
  private var keys: [UInt64]
  private var other: [UInt64]

  /// Room for `count` points.
  init(count: Int) {
    codes = [UInt32](repeating: 0, count: count)
    points = [Int32](repeating: 0, count: count)
    keys = [UInt64](repeating: 0, count: count)
    other = keys
  }

  /// Sorts `positions`, [n, 2], which are finite.
  mutating func sort(_ positions: UnsafeMutablePointer<Float>) {
    let count = codes.count
    var low = positions.load2(0)
    var high = low
    for point in 0..<count {
      let place = positions.load2(point)
      low = low.replacing(with: place, where: place .< low)
      high = high.replacing(with: place, where: place .> high)
    }
    side = (high - low).max()
    let cells = Float(1 << Self.levels)
    let scale = side > 0 ? cells / side : 0
    for point in 0..<count {
      let cell = ((positions.load2(point) - low) * scale).clamped(
        lowerBound: .zero, upperBound: SIMD2(repeating: cells - 1))
      let code = Self.spread(UInt32(cell.x)) | Self.spread(UInt32(cell.y)) << 1
      keys[point] = UInt64(code) << 32 | UInt64(point)
    }
    for shift in [UInt64(32), 43, 54] { sortByDigit(shift) }
    swap(&keys, &other)
    for place in 0..<count {
      codes[place] = UInt32(other[place] >> 32)
      points[place] = Int32(truncatingIfNeeded: other[place])
    }
  }

  /// One pass of radix sort, over 11 bits; equal digits keep their order.
  private mutating func sortByDigit(_ shift: UInt64) {
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2049) { starts in
      starts.initialize(repeating: 0)
      for key in keys { starts[Int(key >> shift & 2047) + 1] += 1 }
      for digit in 1..<2049 { starts[digit] += starts[digit - 1] }
      for key in keys {
        let digit = Int(key >> shift & 2047)
        other[Int(starts[digit])] = key
        starts[digit] += 1
      }
    }
    swap(&keys, &other)
  }

  /// The 16 low bits, each followed by a zero.
  private static func spread(_ bits: UInt32) -> UInt32 {
    var value = bits
    value = (value | value << 8) & 0x00FF_00FF
    value = (value | value << 4) & 0x0F0F_0F0F
    value = (value | value << 2) & 0x3333_3333
    return (value | value << 1) & 0x5555_5555
  }
}

extension UnsafeMutablePointer where Pointee == Float {
  /// Point `index` of an array of places, [n, 2].
  @inline(__always)
  func load2(_ index: Int) -> SIMD2<Float> {
    UnsafeRawPointer(self + 2 * index).loadUnaligned(as: SIMD2<Float>.self)
  }

  /// Writes point `index` of an array of places, [n, 2].
  @inline(__always)
  func store2(_ value: SIMD2<Float>, _ index: Int) {
    UnsafeMutableRawPointer(self + 2 * index).storeBytes(of: value, as: SIMD2<Float>.self)
  }
}
