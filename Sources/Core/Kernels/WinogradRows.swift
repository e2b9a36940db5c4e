import KernelShim

/// Four neighbouring rows of a convolution's output, eight channels at a time.
struct OutputRows {
  private let target: UnsafeMutablePointer<Float>
  private let first: Int
  private let length: Int
  private let channels: Int

  /// The rows of `length` floats that begin at float `first` of `output`.
  init(_ output: UnsafeMutablePointer<Float>, from first: Int, length: Int, channels: Int) {
    target = output + first
    self.first = first
    self.length = length
    self.channels = channels
  }

  /// Writes the vectors that `value` yields for each offset in a row, or adds them.
  @inline(__always)
  func store(accumulate: Bool, _ value: (_ offset: Int) -> SixPoints.Four) {
    forEachEight(of: length) { offset in
      let (y, place) = (value(offset), target + offset)
      place.store8(accumulate ? y.0 + place.load8() : y.0)
      place.store8(accumulate ? y.1 + place.load8(length) : y.1, length)
      place.store8(accumulate ? y.2 + place.load8(2 &* length) : y.2, 2 &* length)
      place.store8(accumulate ? y.3 + place.load8(3 &* length) : y.3, 3 &* length)
    }
  }

  /// The same with `finish` applied.
  @inline(__always)
  func store(_ finish: ConvolutionFinish, _ value: (_ offset: Int) -> SixPoints.Four) {
    if let residual = finish.residual {
      let other = residual + first
      store(finish, value) { $0 + other.load8($1) }
    } else {
      store(finish, value) { sum, _ in sum }
    }
  }

  @inline(__always)
  private func store(
    _ finish: ConvolutionFinish, _ value: (_ offset: Int) -> SixPoints.Four,
    _ addResidual: (Float8, _ offset: Int) -> Float8
  ) {
    // Without a ReLU the bound is below every number.
    let least = Float8(repeating: finish.relu ? 0 : -.infinity)
    for pixel in 0..<length / channels {
      forEachEight(of: channels) { c in
        let offset = pixel &* channels &+ c
        let (scale, shift) = (finish.affine.scale.load8(c), finish.affine.shift.load8(c))
        func put(_ y: Float8, _ place: Int) {
          let sum = addResidual(shift.addingProduct(y, scale), place)
          target.store8(sum.replacing(with: least, where: sum .< least), place)
        }
        let y = value(offset)
        put(y.0, offset)
        put(y.1, offset &+ length)
        put(y.2, offset &+ 2 &* length)
        put(y.3, offset &+ 3 &* length)
      }
    }
  }
}

extension ConvolutionOutputGradient {
  /// Calls `body` with the position in a row and the vectors there of four rows of the gradient.
  @inline(__always)
  func forEachVector(
    from first: Int, row: Int, channels: Int, _ body: (Int, SixPoints.Four) -> Void
  ) {
    guard let n = normalization else {
      let source = values + first
      for offset in stride(from: 0, to: row, by: 8) {
        let y = source + offset
        if offset % 16 == 0 { fetchFourRows(y + 4 &* row, row) }
        body(
          offset, (y.load8(), y.load8(row), y.load8(2 &* row), y.load8(3 &* row)))
      }
      return
    }
    let (source, x) = (values + first, n.x + first)
    for pixel in stride(from: 0, to: row, by: channels) {
      for c in stride(from: 0, to: channels, by: 8) {
        let offset = pixel &+ c
        let (a, b, d) = (n.a.load8(c), n.b.load8(c), n.d.load8(c))
        if c % 16 == 0 {
          fetchFourRows(source + (offset &+ 4 &* row), row)
          fetchFourRows(x + (offset &+ 4 &* row), row)
        }
        func value(_ position: Int) -> Float8 {
          d.addingProduct(b, x.load8(position)).addingProduct(a, source.load8(position))
        }
        body(
          offset,
          (
            value(offset), value(offset &+ row), value(offset &+ 2 &* row),
            value(offset &+ 3 &* row)
          ))
      }
    }
  }
}

/// Asks for the line at `source`, and for those in the three rows below: the next tile row's.
@inline(__always)
func fetchFourRows(_ source: UnsafeMutablePointer<Float>, _ row: Int) {
  fst_prefetch_soon(source)
  fst_prefetch_soon(source + row)
  fst_prefetch_soon(source + 2 &* row)
  fst_prefetch_soon(source + 3 &* row)
}
