/// The transforms of a plan, by rows of tiles: memory to transformed domain and back.
///
/// Tile rows are counted over all images: row r is row r % tileRows of image r / tileRows.
struct WinogradTiles {
  private enum Transforms {
    case unit(WinogradUnitStride)
    case strided(WinogradStrideTwo)
  }

  let plan: WinogradPlan
  private let transforms: Transforms

  init(_ plan: WinogradPlan) {
    self.plan = plan
    transforms =
      plan.isStrided ? .strided(WinogradStrideTwo(plan)) : .unit(WinogradUnitStride(plan))
  }

  /// Transforms the input of `rows` into `values`, which begin with tile row `first`.
  func loadInput(
    _ input: ConvolutionInput, rows: Range<Int>, first: Int, values: UnsafeMutablePointer<Float>,
    strip: UnsafeMutablePointer<Float>
  ) {
    forEachRow(rows, first) { image, row, tile in
      switch transforms {
      case .unit(let t):
        t.inputColumns(input, image: image, row: row, strip: strip)
        t.inputRows(strip: strip, values: values, tile: tile)
      case .strided(let t):
        t.inputColumns(input, image: image, row: row, strip: strip)
        t.inputRows(strip: strip, values: values, tile: tile)
      }
    }
  }

  /// Transforms the output's gradient of `rows` into `products`, which begin with tile row `first`.
  func loadGradient(
    _ gradient: ConvolutionOutputGradient, rows: Range<Int>, first: Int,
    products: UnsafeMutablePointer<Float>, strip: UnsafeMutablePointer<Float>
  ) {
    forEachRow(rows, first) { image, row, tile in
      switch transforms {
      case .unit(let t):
        t.gradientColumns(gradient, image: image, row: row, strip: strip)
        t.gradientRows(strip: strip, products: products, tile: tile)
      case .strided(let t):
        t.gradientColumns(gradient, image: image, row: row, strip: strip)
        t.gradientRows(strip: strip, products: products, tile: tile)
      }
    }
  }

  /// Transforms `products`, which begin with tile row `first`, into the output of `rows`.
  func storeOutput(
    products: UnsafeMutablePointer<Float>, rows: Range<Int>, first: Int,
    output: UnsafeMutablePointer<Float>, accumulate: Bool, finish: ConvolutionFinish?,
    strip: UnsafeMutablePointer<Float>, ready: (Range<Int>) -> Void
  ) {
    let pixelsPerRow = 4 * plan.geometry.outputWidth
    forEachRow(rows, first) { image, row, tile in
      switch transforms {
      case .unit(let t):
        t.outputRows(products: products, tile: tile, strip: strip)
        t.outputColumns(
          strip: strip, output: output, image: image, row: row, accumulate: accumulate,
          finish: finish)
      case .strided(let t):
        t.outputRows(products: products, tile: tile, strip: strip)
        t.outputColumns(
          strip: strip, output: output, image: image, row: row, accumulate: accumulate,
          finish: finish)
      }
      let start = (image * plan.tileRows + row) * pixelsPerRow
      ready(start..<start + pixelsPerRow)
    }
  }

  /// Transforms the gradients of `values`, which begin with tile row `first`, into the input's
  /// gradient.
  ///
  /// An image's rows must come in order from one thread, with the same `carry`.
  func storeInputGradient(
    values: UnsafeMutablePointer<Float>, rows: Range<Int>, first: Int,
    inputGradient: UnsafeMutablePointer<Float>, accumulate: Bool,
    strip: UnsafeMutablePointer<Float>, carry: UnsafeMutablePointer<Float>,
    ready: (Range<Int>) -> Void
  ) {
    let (height, width) = (plan.geometry.inputHeight, plan.geometry.inputWidth)
    let step = height / plan.tileRows
    forEachRow(rows, first) { image, row, tile in
      switch transforms {
      case .unit(let t):
        t.inputGradientRows(values: values, tile: tile, strip: strip)
        t.inputGradientColumns(
          strip: strip, carry: carry, inputGradient: inputGradient, image: image, row: row,
          accumulate: accumulate)
      case .strided(let t):
        t.inputGradientRows(values: values, tile: tile, strip: strip)
        t.inputGradientColumns(
          strip: strip, carry: carry, inputGradient: inputGradient, image: image, row: row,
          accumulate: accumulate)
      }
      // The last line of a tile row also depends on the next one.
      let start = row == 0 ? 0 : row * step - 1
      let end = row == plan.tileRows - 1 ? height : (row + 1) * step - 1
      ready((image * height + start) * width..<(image * height + end) * width)
    }
  }

  @inline(__always)
  private func forEachRow(
    _ rows: Range<Int>, _ first: Int, _ body: (_ image: Int, _ row: Int, _ tile: Int) -> Void
  ) {
    for index in rows {
      let (image, row) = index.quotientAndRemainder(dividingBy: plan.tileRows)
      body(image, row, (index - first) * plan.tileColumns)
    }
  }
}
