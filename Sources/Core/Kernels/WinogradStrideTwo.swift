/// The transforms of F(4x4, 3x3) for stride 2, one row of tiles at a time.
///
/// Output y sees input rows 2y-1, 2y and 2y+1: odd rows meet a filter of two taps, even rows one of
/// one tap, and columns likewise. A tile's nine input rows are five odd ones, which become strip
/// rows 0 to 4 (five points), and four even ones, strip rows 5 to 8 (four finite points). The four
/// combinations are phases whose products add up: their values lie side by side in a plane's depth,
/// in the order odd-odd, odd-even, even-odd, even-even, without those missing at infinity.
struct WinogradStrideTwo {
  let plan: WinogradPlan
  private let inputRow, outputRow: Int
  private let channels, outputs: Int
  private let strip, productPlane: Int

  init(_ plan: WinogradPlan) {
    self.plan = plan
    (channels, outputs, strip) = (plan.channels, plan.outputs, plan.stripStride)
    inputRow = plan.geometry.inputWidth * plan.channels
    outputRow = plan.geometry.outputWidth * plan.outputs
    productPlane = plan.planes[1].products
  }

  /// Where the points of one strip row lie: the finite ones `step` floats apart from `finite` on.
  private struct Places {
    var finite: Int
    var infinity: Int
    var step: Int

    @inline(__always)
    func store(_ v: FivePoints.Five, _ target: UnsafeMutablePointer<Float>) {
      storeFinite((v.0, v.1, v.2, v.3), target)
      target.store8(v.4, infinity)
    }

    @inline(__always)
    func storeFinite(_ v: FivePoints.Four, _ target: UnsafeMutablePointer<Float>) {
      target.store8(v.0, finite)
      target.store8(v.1, finite &+ step)
      target.store8(v.2, finite &+ 2 &* step)
      target.store8(v.3, finite &+ 3 &* step)
    }

    @inline(__always)
    func loadFinite(_ source: UnsafeMutablePointer<Float>) -> FivePoints.Four {
      (
        source.load8(finite), source.load8(finite &+ step), source.load8(finite &+ 2 &* step),
        source.load8(finite &+ 3 &* step)
      )
    }

    @inline(__always)
    func load(_ source: UnsafeMutablePointer<Float>) -> FivePoints.Five {
      let v = loadFinite(source)
      return (v.0, v.1, v.2, v.3, source.load8(infinity))
    }
  }

  /// The planes that row point `i` (4 is infinity) shares with column points 0 to 3, and with
  /// infinity.
  static func planes(ofRowPoint i: Int) -> (finite: Int, infinity: Int) {
    i < 4 ? (4 * i, 16 + i) : (20, 24)
  }

  /// Places of the values of tile `tile` that come from strip row `stripRow` and odd or even
  /// columns.
  private func valuePlaces(stripRow: Int, tile: Int, oddColumns: Bool) -> Places {
    let isOddRow = stripRow < 5
    let indices = Self.planes(ofRowPoint: isOddRow ? stripRow : stripRow - 5)
    let (finite, infinity) = (plan.planes[indices.finite], plan.planes[indices.infinity])
    let phase = (isOddRow ? 0 : 2) + (oddColumns ? 0 : 1)
    return Places(
      finite: finite.values + tile * finite.valueStride + phase * channels,
      infinity: infinity.values + tile * infinity.valueStride + (isOddRow ? 0 : channels),
      step: plan.planes[indices.finite + 1].values - finite.values)
  }

  private func productPlaces(stripRow: Int, tile: Int) -> Places {
    let indices = Self.planes(ofRowPoint: stripRow)
    let first = tile * plan.productStride
    return Places(
      finite: first + indices.finite * productPlane,
      infinity: first + indices.infinity * productPlane, step: productPlane)
  }

  // MARK: Input

  /// Transforms the columns of tile row `row` of `image` into the strip, padding included.
  func inputColumns(
    _ input: ConvolutionInput, image: Int, row: Int, strip target: UnsafeMutablePointer<Float>
  ) {
    let x = input.values
    if let affine = input.rectified {
      let (scale, shift) = (affine.scale, affine.shift)
      inputColumns(image: image, row: row, strip: target) { position, c in
        shift.load8(c).addingProduct(x.load8(position), scale.load8(c)).rectified
      }
    } else {
      inputColumns(image: image, row: row, strip: target) { position, _ in x.load8(position) }
    }
  }

  @inline(__always)
  private func inputColumns(
    image: Int, row: Int, strip target: UnsafeMutablePointer<Float>,
    _ load: (_ position: Int, _ channel: Int) -> Float8
  ) {
    let top = (image * plan.geometry.inputHeight + 8 * row - 1) * inputRow
    for stripRow in 0..<9 { (target + stripRow * strip).update(repeating: 0, count: channels) }
    for column in 0..<plan.geometry.inputWidth {
      for c in stride(from: 0, to: channels, by: 8) {
        let offset = column &* channels &+ c
        let line = target + (channels &+ offset)
        func at(_ index: Int) -> Float8 { load(top &+ offset &+ index &* inputRow, c) }
        let odd = FivePoints.input((row > 0 ? at(0) : .zero, at(2), at(4), at(6), at(8)))
        store(odd, line)
        store(FivePoints.input((at(1), at(3), at(5), at(7))), line + 5 &* strip)
      }
    }
  }

  /// Transforms the strip's rows into `values`, from tile `tile` of the block on.
  func inputRows(
    strip source: UnsafeMutablePointer<Float>, values: UnsafeMutablePointer<Float>, tile: Int
  ) {
    for column in 0..<plan.tileColumns {
      for stripRow in 0..<9 {
        let odd = valuePlaces(stripRow: stripRow, tile: tile + column, oddColumns: true)
        let even = valuePlaces(stripRow: stripRow, tile: tile + column, oddColumns: false)
        for c in stride(from: 0, to: channels, by: 8) {
          let line = source + (stripRow &* strip &+ 8 &* column &* channels &+ c)
          let d = everySecond(line)
          odd.store(
            FivePoints.input((d.0, d.1, d.2, d.3, line.load8(8 &* channels))), values + c)
          even.storeFinite(FivePoints.input(everySecond(line + channels)), values + c)
        }
      }
    }
  }

  // MARK: Output

  /// Transforms products of the tile row that begins at `tile` back along rows, into the strip.
  func outputRows(
    products: UnsafeMutablePointer<Float>, tile: Int, strip target: UnsafeMutablePointer<Float>
  ) {
    for column in 0..<plan.tileColumns {
      for stripRow in 0..<5 {
        let places = productPlaces(stripRow: stripRow, tile: tile + column)
        for c in stride(from: 0, to: outputs, by: 8) {
          let line = target + (stripRow &* strip &+ 4 &* column &* outputs &+ c)
          let y = FivePoints.output(places.load(products + c))
          line.store8(y.0)
          line.store8(y.1, outputs)
          line.store8(y.2, 2 &* outputs)
          line.store8(y.3, 3 &* outputs)
        }
      }
    }
  }

  /// Transforms the strip's columns into four rows of the output.
  func outputColumns(
    strip source: UnsafeMutablePointer<Float>, output: UnsafeMutablePointer<Float>, image: Int,
    row: Int, accumulate: Bool, finish: ConvolutionFinish?
  ) {
    let rows = OutputRows(
      output, from: (image * plan.geometry.outputHeight + 4 * row) * outputRow, length: outputRow,
      channels: outputs)
    if let finish {
      rows.store(finish) { FivePoints.output(stripColumn(source + $0)) }
    } else {
      rows.store(accumulate: accumulate) { FivePoints.output(stripColumn(source + $0)) }
    }
  }

  // MARK: Output gradient

  /// Transforms the columns of four rows of the output's gradient into the strip.
  func gradientColumns(
    _ gradient: ConvolutionOutputGradient, image: Int, row: Int,
    strip target: UnsafeMutablePointer<Float>
  ) {
    let first = (image * plan.geometry.outputHeight + 4 * row) * outputRow
    gradient.forEachVector(from: first, row: outputRow, channels: outputs) { offset, y in
      store(FivePoints.outputAdjoint(y), target + offset)
    }
  }

  /// Transforms the strip's rows into `products`, from tile `tile` of the block on.
  func gradientRows(
    strip source: UnsafeMutablePointer<Float>, products: UnsafeMutablePointer<Float>, tile: Int
  ) {
    for column in 0..<plan.tileColumns {
      for stripRow in 0..<5 {
        let places = productPlaces(stripRow: stripRow, tile: tile + column)
        for c in stride(from: 0, to: outputs, by: 8) {
          let line = source + (stripRow &* strip &+ 4 &* column &* outputs &+ c)
          let y = (
            line.load8(), line.load8(outputs), line.load8(2 &* outputs), line.load8(3 &* outputs)
          )
          places.store(FivePoints.outputAdjoint(y), products + c)
        }
      }
    }
  }

  // MARK: Input gradient

  /// Transforms values' gradients back along rows, into the strip; neighbouring tiles add up there.
  func inputGradientRows(
    values: UnsafeMutablePointer<Float>, tile: Int, strip target: UnsafeMutablePointer<Float>
  ) {
    for column in 0..<plan.tileColumns {
      for stripRow in 0..<9 {
        let odd = valuePlaces(stripRow: stripRow, tile: tile + column, oddColumns: true)
        let even = valuePlaces(stripRow: stripRow, tile: tile + column, oddColumns: false)
        for c in stride(from: 0, to: channels, by: 8) {
          let line = target + (stripRow &* strip &+ 8 &* column &* channels &+ c)
          var d = FivePoints.inputAdjoint(odd.load(values + c))
          let e = FivePoints.inputAdjoint(even.loadFinite(values + c))
          if column > 0 { d.0 += line.load8() }
          line.store8(d.0)
          line.store8(e.0, channels)
          line.store8(d.1, 2 &* channels)
          line.store8(e.1, 3 &* channels)
          line.store8(d.2, 4 &* channels)
          line.store8(e.2, 5 &* channels)
          line.store8(d.3, 6 &* channels)
          line.store8(e.3, 7 &* channels)
          line.store8(d.4, 8 &* channels)
        }
      }
    }
  }

  /// Transforms the strip's columns into the input's gradient; `carry` holds what two tile rows
  /// share.
  func inputGradientColumns(
    strip source: UnsafeMutablePointer<Float>, carry: UnsafeMutablePointer<Float>,
    inputGradient: UnsafeMutablePointer<Float>, image: Int, row: Int, accumulate: Bool
  ) {
    let (isFirst, isLast) = (row == 0, row == plan.tileRows - 1)
    let top = inputGradient + (image * plan.geometry.inputHeight + 8 * row - 1) * inputRow
    for offset in stride(from: 0, to: inputRow, by: 8) {
      let (line, target) = (source + (channels &+ offset), top + offset)
      func put(_ value: Float8, _ row: Int) {
        let place = target + row &* inputRow
        place.store8(accumulate ? value + place.load8() : value)
      }
      let odd = FivePoints.inputAdjoint(stripColumn(line))
      let even = FivePoints.inputAdjoint(
        (
          line.load8(5 &* strip), line.load8(6 &* strip), line.load8(7 &* strip),
          line.load8(8 &* strip)
        ))
      if !isFirst { put(odd.0 + carry.load8(offset), 0) }
      put(even.0, 1)
      put(odd.1, 2)
      put(even.1, 3)
      put(odd.2, 4)
      put(even.2, 5)
      put(odd.3, 6)
      put(even.3, 7)
      if isLast { put(odd.4, 8) } else { carry.store8(odd.4, offset) }
    }
  }

  // MARK: Vectors in memory

  @inline(__always)
  private func everySecond(_ source: UnsafeMutablePointer<Float>) -> FivePoints.Four {
    (
      source.load8(), source.load8(2 &* channels), source.load8(4 &* channels),
      source.load8(6 &* channels)
    )
  }

  @inline(__always)
  private func stripColumn(_ source: UnsafeMutablePointer<Float>) -> FivePoints.Five {
    (
      source.load8(), source.load8(strip), source.load8(2 &* strip), source.load8(3 &* strip),
      source.load8(4 &* strip)
    )
  }

  @inline(__always)
  private func store(_ v: FivePoints.Five, _ target: UnsafeMutablePointer<Float>) {
    target.store8(v.4, 4 &* strip)
    store((v.0, v.1, v.2, v.3), target)
  }

  @inline(__always)
  private func store(_ v: FivePoints.Four, _ target: UnsafeMutablePointer<Float>) {
    target.store8(v.0)
    target.store8(v.1, strip)
    target.store8(v.2, 2 &* strip)
    target.store8(v.3, 3 &* strip)
  }
}
