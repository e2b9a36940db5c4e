import Distributed

/// Times the matrix products of Winograd's transformed domain alone: our micro-kernel's variants and
/// OpenBLAS.
///
/// One thread multiplies 36 pairs of matrices in turn, laid out as the planes of a layer: a single
/// pair would stay in a cache that it does not get in a layer. NN is the product of tiles and
/// weights, TN that of a weight's gradient, whose depth is the tiles.
package struct ProductBenchmark: Sendable {
  /// Tiles, input channels and output channels, with the product's form.
  package struct Product: Sendable {
    /// Rows of the values.
    package var tiles: Int
    /// Channels on both sides.
    package var channels: Int
    /// Whether it is values (transposed) x products instead of values x weights.
    package var isTransposed: Bool
    /// Rows, columns and depth, and the form: `24x64x64 NN`.
    package var name: String {
      isTransposed
        ? "\(channels)x\(channels)x\(tiles) TN" : "\(tiles)x\(channels)x\(channels) NN"
    }
    var rows: Int { isTransposed ? channels : tiles }
    var depth: Int { isTransposed ? tiles : channels }
    var operations: Double { 2 * Double(tiles * channels * channels) }
  }

  /// One product's floating-point operations per processor second.
  package struct Report: Sendable {
    /// What was multiplied.
    package var product: Product
    /// Of each variant that this processor runs.
    package var variants: [(variant: PackedGEMM.Variant, rate: StepBenchmark.Spread)]
    /// OpenBLAS's, on one thread.
    package var openBLAS: StepBenchmark.Spread
  }

  /// The sizes met at width 64: small blocks per thread, large ones shared.
  package static let products = [(24, 64), (24, 128), (128, 256), (128, 512)].flatMap { size in
    [false, true].map { Product(tiles: size.0, channels: size.1, isTransposed: $0) }
  }
  /// The largest distance from OpenBLAS's results that passes: both round each of up to 512 sums.
  private static let largestError = 2e-6

  /// Timed rounds of each product.
  package var steps: Int

  /// A benchmark of `steps` rounds.
  package init(steps: Int) { self.steps = steps }

  /// Checks and times all products; throws `KernelMismatch` at the first that fails.
  package func run() throws -> [Report] { try Self.products.map(measure) }

  private func measure(_ product: Product) throws -> Report {
    let planes = ProductPlanes(product)
    let variants = PackedGEMM.Variant.allCases.filter(\.isSupported)
    planes.multiplyByOpenBLAS()
    let reference = planes.result.array
    var first: [Float]?
    for variant in variants {
      planes.result.clear()
      planes.multiply(variant)
      let values = planes.result.array
      let error = LayerRun.relativeError(values, reference)
      guard error < Self.largestError else {
        throw KernelMismatch(
          what: "\(product.name) by \(variant.rawValue)", reference: "OpenBLAS's", error: error,
          limit: Self.largestError)
      }
      guard values == first ?? values else {
        throw KernelMismatch(
          what: "\(product.name) by \(variant.rawValue)", reference: "baseline's",
          error: LayerRun.relativeError(values, first ?? values), limit: 0)
      }
      first = values
    }
    // The contestants take turns, so that a busy moment touches all of them.
    var rates = [[Double]](repeating: [], count: variants.count + 1)
    for _ in 0..<steps {
      for (index, variant) in variants.enumerated() {
        rates[index].append(rate(product) { planes.multiply(variant) })
      }
      rates[variants.count].append(rate(product) { planes.multiplyByOpenBLAS() })
    }
    return Report(
      product: product, variants: zip(variants, rates).map { ($0, .init($1)) },
      openBLAS: .init(rates[variants.count]))
  }

  /// Operations per second of `body`, which multiplies all planes; about 20 ms of it.
  private func rate(_ product: Product, _ body: () -> Void) -> Double {
    let operations = product.operations * Double(ProductPlanes.count)
    let repeats = max(Int(2e9 / operations), 1)
    let start = StepBenchmark.processorSeconds()
    for _ in 0..<repeats { body() }
    return operations * Double(repeats) / (StepBenchmark.processorSeconds() - start)
  }
}

/// The matrices of 36 planes, with the paddings of a layer's scratch memory.
private struct ProductPlanes {
  static let count = 36
  private let product: ProductBenchmark.Product
  private let values, weights, packed, products: FloatBuffer
  let result: FloatBuffer

  private var channels: Int { product.channels }
  private var stride: Int { channels + WinogradPlan.rowPadding }
  private var tilesPlane: Int { product.tiles * stride + WinogradPlan.rowPadding }
  private var weightPlane: Int { channels * stride + WinogradPlan.rowPadding }
  private var panel: Int { PackedGEMM.panelWidth }
  /// Floats from one panel to the next: planes lie side by side in a panel.
  private var panelStride: Int { panel * (channels + 1) * Self.count }
  private func place(_ plane: Int) -> Int { plane * panel * (channels + 1) }
  private var resultPlane: Int { product.isTransposed ? weightPlane : tilesPlane }

  init(_ product: ProductBenchmark.Product) {
    self.product = product
    let stride = product.channels + WinogradPlan.rowPadding
    let tilesPlane = product.tiles * stride + WinogradPlan.rowPadding
    let weightPlane = product.channels * stride + WinogradPlan.rowPadding
    var stream = RandomStream(seed: 0, purpose: .test)
    func normal(_ count: Int) -> FloatBuffer {
      let row = (0..<min(count, 65_537)).map { _ in stream.nextNormal() }
      return FloatBuffer((0..<count).map { row[$0 % row.count] })
    }
    values = normal(Self.count * tilesPlane)
    products = normal(product.isTransposed ? Self.count * tilesPlane : 0)
    weights = normal(product.isTransposed ? 0 : Self.count * weightPlane)
    result = FloatBuffer(
      count: Self.count * (product.isTransposed ? weightPlane : tilesPlane))
    packed = FloatBuffer(
      count: product.isTransposed
        ? 0 : product.channels * (product.channels + 1) * Self.count)
    if !product.isTransposed { pack() }
  }

  private func pack() {
    for plane in 0..<Self.count {
      for row in 0..<channels {
        for column in 0..<channels {
          packed.pointer[
            column / panel * panelStride + place(plane) + row * panel + column % panel] =
            weights.pointer[plane * weightPlane + row * stride + column]
        }
      }
    }
  }

  func multiply(_ variant: PackedGEMM.Variant) {
    for plane in 0..<Self.count {
      let a = values.pointer + plane * tilesPlane
      let target = result.pointer + plane * resultPlane
      if product.isTransposed {
        PackedGEMM.multiplyTransposed(
          a, stride: stride, products.pointer + plane * tilesPlane, stride: stride, into: target,
          stride: stride, m: channels, n: channels, k: product.tiles, accumulate: false,
          variant: variant)
      } else {
        PackedGEMM.multiply(
          a, stride: stride, panels: packed.pointer + place(plane), panelStride: panelStride,
          into: target, stride: stride, m: product.tiles, n: channels, k: channels,
          variant: variant)
      }
    }
  }

  func multiplyByOpenBLAS() {
    for plane in 0..<Self.count {
      let a = MatrixView(
        pointer: values.pointer + plane * tilesPlane, stride: stride,
        order: product.isTransposed ? .transposed : .asStored)
      let b =
        product.isTransposed
        ? products.pointer + plane * tilesPlane : weights.pointer + plane * weightPlane
      GEMM.multiply(
        a, MatrixView(pointer: b, stride: stride),
        into: MatrixView(pointer: result.pointer + plane * resultPlane, stride: stride),
        m: product.rows, n: channels, k: product.depth)
    }
  }
}
