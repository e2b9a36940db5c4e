import KernelShim

/// The transforms of F(4x4, 3x3) for stride 1, one row of tiles at a time.
///
/// Each two-dimensional transform is two passes through a strip of memory that stays in the
/// first-level cache: along columns, which neighbouring tiles share, and along rows. Strips hold
/// six rows. Six planes at a time are written or read along their channels: all 36 at once are more
/// streams than a processor follows.
struct WinogradUnitStride {
  let plan: WinogradPlan
  private let inputRow: Int
  private let outputRow: Int
  private let channels: Int
  private let outputs: Int
  private let strip: Int
  private let valuePlane: Int
  private let productPlane: Int

  init(_ plan: WinogradPlan) {
    self.plan = plan
    (channels, outputs, strip) = (plan.channels, plan.outputs, plan.stripStride)
    inputRow = plan.geometry.inputWidth * plan.channels
    outputRow = plan.geometry.outputWidth * plan.outputs
    (valuePlane, productPlane) = (plan.planes[1].values, plan.planes[1].products)
  }

  // MARK: Input: Bᵀ d B

  /// Transforms the columns of tile row `row` of `image` into the strip, padding included.
  func inputColumns(
    _ input: ConvolutionInput, image: Int, row: Int, strip target: UnsafeMutablePointer<Float>
  ) {
    let x = input.values
    if let affine = input.rectified {
      let (scale, shift) = (affine.scale, affine.shift)
      inputColumns(x, image: image, row: row, strip: target) { position, c in
        shift.load8(c).addingProduct(x.load8(position), scale.load8(c)).rectified
      }
    } else {
      inputColumns(x, image: image, row: row, strip: target) { position, _ in x.load8(position) }
    }
  }

  @inline(__always)
  private func inputColumns(
    _ x: UnsafeMutablePointer<Float>, image: Int, row: Int,
    strip target: UnsafeMutablePointer<Float>,
    _ load: (_ position: Int, _ channel: Int) -> Float8
  ) {
    let (hasTop, hasBottom) = (row > 0, row < plan.tileRows - 1)
    let top = (image * plan.geometry.inputHeight + 4 * row - 1) * inputRow
    for stripRow in 0..<6 {
      let line = target + stripRow &* strip
      line.update(repeating: 0, count: channels)
      (line + (channels &+ inputRow)).update(repeating: 0, count: channels)
    }
    for column in 0..<plan.geometry.inputWidth {
      for c in stride(from: 0, to: channels, by: 8) {
        let offset = column &* channels &+ c
        let first = top &+ offset
        if c % 16 == 0 { fetchFourRows(x + (first &+ 6 &* inputRow), inputRow) }
        let d0 = hasTop ? load(first, c) : .zero
        let d1 = load(first &+ inputRow, c)
        let d2 = load(first &+ 2 &* inputRow, c)
        let d3 = load(first &+ 3 &* inputRow, c)
        let d4 = load(first &+ 4 &* inputRow, c)
        let d5 = hasBottom ? load(first &+ 5 &* inputRow, c) : .zero
        store(SixPoints.input((d0, d1, d2, d3, d4, d5)), target + (channels &+ offset), strip)
      }
    }
  }

  /// Transforms the strip's rows into `values`, from tile `tile` of the block on.
  func inputRows(
    strip source: UnsafeMutablePointer<Float>, values: UnsafeMutablePointer<Float>, tile: Int
  ) {
    let tileStride = plan.planes[0].valueStride
    for column in 0..<plan.tileColumns {
      let target = values + (tile &+ column) &* tileStride
      for stripRow in 0..<6 {
        forEachEight(of: channels) { c in
          let line = source + (stripRow &* strip &+ 4 &* column &* channels &+ c)
          store(
            SixPoints.input(six(line, channels)), target + (stripRow &* 6 &* valuePlane &+ c),
            valuePlane)
        }
      }
    }
  }

  // MARK: Output: Aᵀ m A

  /// Transforms products of the tile row that begins at `tile` back along rows, into the strip.
  func outputRows(
    products: UnsafeMutablePointer<Float>, tile: Int, strip target: UnsafeMutablePointer<Float>
  ) {
    for column in 0..<plan.tileColumns {
      let source = products + (tile &+ column) &* plan.productStride
      for stripRow in 0..<6 {
        forEachEight(of: outputs) { c in
          let line = target + (stripRow &* strip &+ 4 &* column &* outputs &+ c)
          let y = SixPoints.output(
            six(source + (stripRow &* 6 &* productPlane &+ c), productPlane))
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
      rows.store(finish) { SixPoints.output(six(source + $0, strip)) }
    } else {
      rows.store(accumulate: accumulate) { SixPoints.output(six(source + $0, strip)) }
    }
  }

  // MARK: Output gradient: A y Aᵀ

  /// Transforms the columns of four rows of the output's gradient into the strip.
  func gradientColumns(
    _ gradient: ConvolutionOutputGradient, image: Int, row: Int,
    strip target: UnsafeMutablePointer<Float>
  ) {
    let first = (image * plan.geometry.outputHeight + 4 * row) * outputRow
    gradient.forEachVector(from: first, row: outputRow, channels: outputs) { offset, y in
      store(SixPoints.outputAdjoint(y), target + offset, strip)
    }
  }

  /// Transforms the strip's rows into `products`, from tile `tile` of the block on.
  func gradientRows(
    strip source: UnsafeMutablePointer<Float>, products: UnsafeMutablePointer<Float>, tile: Int
  ) {
    for column in 0..<plan.tileColumns {
      let target = products + (tile &+ column) &* plan.productStride
      for stripRow in 0..<6 {
        forEachEight(of: outputs) { c in
          let line = source + (stripRow &* strip &+ 4 &* column &* outputs &+ c)
          let y = (
            line.load8(), line.load8(outputs), line.load8(2 &* outputs), line.load8(3 &* outputs)
          )
          store(
            SixPoints.outputAdjoint(y), target + (stripRow &* 6 &* productPlane &+ c), productPlane)
        }
      }
    }
  }

  // MARK: Input gradient: B v Bᵀ

  /// Transforms values' gradients back along rows, into the strip; neighbouring tiles add up there.
  func inputGradientRows(
    values: UnsafeMutablePointer<Float>, tile: Int, strip target: UnsafeMutablePointer<Float>
  ) {
    let tileStride = plan.planes[0].valueStride
    for column in 0..<plan.tileColumns {
      let source = values + (tile &+ column) &* tileStride
      for stripRow in 0..<6 {
        forEachEight(of: channels) { c in
          let line = target + (stripRow &* strip &+ 4 &* column &* channels &+ c)
          var d = SixPoints.inputAdjoint(
            six(source + (stripRow &* 6 &* valuePlane &+ c), valuePlane))
          if column > 0 {
            d.0 += line.load8()
            d.1 += line.load8(channels)
          }
          store(d, line, channels)
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
    let top = inputGradient + (image * plan.geometry.inputHeight + 4 * row - 1) * inputRow
    for offset in stride(from: 0, to: inputRow, by: 8) {
      var d = SixPoints.inputAdjoint(six(source + (channels &+ offset), strip))
      let target = top + offset
      if !isFirst {
        d.0 += carry.load8(offset)
        d.1 += carry.load8(inputRow &+ offset)
        target.store8(accumulate ? d.0 + target.load8() : d.0)
      }
      target.store8(accumulate ? d.1 + target.load8(inputRow) : d.1, inputRow)
      target.store8(accumulate ? d.2 + target.load8(2 &* inputRow) : d.2, 2 &* inputRow)
      target.store8(accumulate ? d.3 + target.load8(3 &* inputRow) : d.3, 3 &* inputRow)
      if isLast {
        target.store8(accumulate ? d.4 + target.load8(4 &* inputRow) : d.4, 4 &* inputRow)
      } else {
        carry.store8(d.4, offset)
        carry.store8(d.5, inputRow &+ offset)
      }
    }
  }

  // MARK: Vectors in memory

  @inline(__always)
  private func six(_ source: UnsafeMutablePointer<Float>, _ stride: Int) -> SixPoints.Six {
    (
      source.load8(), source.load8(stride), source.load8(2 &* stride), source.load8(3 &* stride),
      source.load8(4 &* stride), source.load8(5 &* stride)
    )
  }

  @inline(__always)
  private func store(_ v: SixPoints.Six, _ target: UnsafeMutablePointer<Float>, _ stride: Int) {
    target.store8(v.0)
    target.store8(v.1, stride)
    target.store8(v.2, 2 &* stride)
    target.store8(v.3, 3 &* stride)
    target.store8(v.4, 4 &* stride)
    target.store8(v.5, 5 &* stride)
  }
}
