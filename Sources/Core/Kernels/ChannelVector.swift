/// Some neighbouring channels of one pixel that are computed together: 16, 8 or 1.
///
/// Kernels that work by channel are written once, and run on whole cache lines where channels allow
/// it.
protocol ChannelVector {
  static var width: Int { get }
  static var zero: Self { get }

  init(at place: UnsafeMutablePointer<Float>)
  func store(at place: UnsafeMutablePointer<Float>)

  /// self + a b, rounded once.
  func adding(_ a: Self, times b: Self) -> Self
  static func + (a: Self, b: Self) -> Self
  static func - (a: Self, b: Self) -> Self

  /// max(self, 0).
  var positivePart: Self { get }
  /// self where `other` > 0, else 0.
  func kept(wherePositive other: Self) -> Self
  /// The value of one channel.
  func lane(_ index: Int) -> Float
  /// Adds each channel to a double.
  func add(to sums: UnsafeMutablePointer<Double>)
}

extension ChannelVector {
  /// Adds Σ (x - pivot) and Σ (x - pivot)² to the doubles, given `first` = Σ (x - origin) and
  /// `second` = Σ (x - origin)² over `count` values.
  @inline(__always)
  static func addMoments(
    _ first: Self, _ second: Self, about origin: Self, count: Int,
    movedTo pivot: UnsafeMutablePointer<Float>, sum: UnsafeMutablePointer<Double>,
    squareSum: UnsafeMutablePointer<Double>
  ) {
    for lane in 0..<width {
      let distance = Double(origin.lane(lane)) - Double(pivot[lane])
      let (s, q, n) = (Double(first.lane(lane)), Double(second.lane(lane)), Double(count))
      sum[lane] += s + n * distance
      squareSum[lane] += q + distance * (2 * s + n * distance)
    }
  }
}

extension Float: ChannelVector {
  static var width: Int { 1 }
  init(at place: UnsafeMutablePointer<Float>) { self = place.pointee }
  func store(at place: UnsafeMutablePointer<Float>) { place.pointee = self }
  func adding(_ a: Float, times b: Float) -> Float { addingProduct(a, b) }
  var positivePart: Float { self > 0 ? self : 0 }
  func kept(wherePositive other: Float) -> Float { other > 0 ? self : 0 }
  func lane(_ index: Int) -> Float { self }
  func add(to sums: UnsafeMutablePointer<Double>) { sums.pointee += Double(self) }
}

extension SIMD8: ChannelVector where Scalar == Float {
  static var width: Int { 8 }
  @inline(__always)
  init(at place: UnsafeMutablePointer<Float>) { self = place.load8() }
  @inline(__always)
  func store(at place: UnsafeMutablePointer<Float>) { place.store8(self) }
  @inline(__always)
  func adding(_ a: Self, times b: Self) -> Self { addingProduct(a, b) }
  @inline(__always)
  var positivePart: Self { rectified }
  @inline(__always)
  func kept(wherePositive other: Self) -> Self {
    Self.zero.replacing(with: self, where: other .> 0)
  }
  @inline(__always)
  func lane(_ index: Int) -> Float { self[index] }
  @inline(__always)
  func add(to sums: UnsafeMutablePointer<Double>) {
    for index in 0..<8 { sums[index] += Double(self[index]) }
  }
}

extension SIMD16: ChannelVector where Scalar == Float {
  static var width: Int { 16 }
  @inline(__always)
  init(at place: UnsafeMutablePointer<Float>) {
    self.init(lowHalf: place.load8(), highHalf: place.load8(8))
  }
  @inline(__always)
  func store(at place: UnsafeMutablePointer<Float>) {
    place.store8(lowHalf)
    place.store8(highHalf, 8)
  }
  @inline(__always)
  func adding(_ a: Self, times b: Self) -> Self { addingProduct(a, b) }
  @inline(__always)
  var positivePart: Self { replacing(with: 0, where: self .< 0) }
  @inline(__always)
  func kept(wherePositive other: Self) -> Self {
    Self.zero.replacing(with: self, where: other .> 0)
  }
  @inline(__always)
  func lane(_ index: Int) -> Float { self[index] }
  @inline(__always)
  func add(to sums: UnsafeMutablePointer<Double>) {
    for index in 0..<16 { sums[index] += Double(self[index]) }
  }
}
