/// The sizes of one layer's Winograd convolution: planes, their places in scratch memory, blocks of
/// tiles.
///
/// Tiles are 4x4 outputs. A plane is one point of the transformed domain; there the convolution is
/// a product of matrices, values[tiles, depth] x weights[depth, O]. At stride 1 there are 36 planes
/// of depth C. At stride 2 the four phases of the input (odd or even rows and columns) meet in 25
/// planes: phases lie side by side in a plane's depth, and those with a one-tap filter are missing
/// at infinity, so that depths are 4C, 2C and C. Planes are ordered by falling depth; rows are
/// padded by 16 floats and planes kept off powers of two.
package struct WinogradPlan: Sendable {
  /// One point of the transformed domain: its depth, and where its matrices begin.
  struct Plane {
    /// Rows of the weights.
    var depth: Int
    /// Floats from one tile's values to the next's.
    var valueStride: Int
    /// First float of the values: [tiles, depth].
    var values: Int
    /// First float of the products: [tiles, O].
    var products: Int
    /// Position among the planes, and the sum of the depths before it.
    var index: Int
    var precedingDepth: Int
    /// First float of the weight gradient: [depth, O].
    var gradient: Int
  }

  static let rowPadding = 16
  static let planePadding = 80

  let geometry: ConvolutionGeometry
  let planes: [Plane]
  /// Tiles at a time; whole tile rows, and whole images where threads share each block.
  let tilesPerBlock: Int
  /// Whether all threads work on the same block, plane by plane, instead of each on its own tiles.
  let sharesBlocks: Bool
  let valueFloats: Int
  let productFloats: Int
  /// Sum of the planes' depths.
  let totalDepth: Int
  let gradientFloats: Int

  /// Multiply-adds of the products that make one tile of all outputs.
  var multiplicationsPerTile: Double { Double(totalDepth * outputs) }
  var isStrided: Bool { geometry.stride == 2 }
  var channels: Int { geometry.inputChannels }
  var outputs: Int { geometry.outputChannels }
  var tileRows: Int { geometry.outputHeight / 4 }
  var tileColumns: Int { geometry.outputWidth / 4 }
  var tilesPerImage: Int { tileRows * tileColumns }
  var tileRowsPerBlock: Int { tilesPerBlock / tileColumns }
  /// Floats from one tile's products to the next's.
  var productStride: Int { outputs + Self.rowPadding }
  /// Floats from one row of the weight gradient to the next.
  var gradientStride: Int { outputs + Self.rowPadding }

  /// The plan for `geometry`, or nil where this algorithm does not suit it.
  package init?(_ geometry: ConvolutionGeometry, for precision: ProductPrecision = .float32) {
    guard Self.suits(geometry) else { return nil }
    self.geometry = geometry
    let (channels, outputs) = (geometry.inputChannels, geometry.outputChannels)
    let depths =
      geometry.stride == 1
      ? Array(repeating: 1, count: 36)
      : Array(repeating: 4, count: 16) + Array(repeating: 2, count: 8) + [1]
    let weightCount = depths.reduce(0, +) * channels * outputs
    let columns = geometry.outputWidth / 4
    let imageTiles = columns * geometry.outputHeight / 4
    let block = WinogradBlocks.choose(
      weightCount: weightCount, tileColumns: columns, tilesPerImage: imageTiles,
      precision: precision)
    (tilesPerBlock, sharesBlocks) = (block.tiles, block.areShared)
    var plane = Plane(
      depth: 0, valueStride: 0, values: 0, products: 0, index: 0, precedingDepth: 0, gradient: 0)
    var planes: [Plane] = []
    for depth in depths {
      plane.depth = depth * channels
      plane.valueStride = plane.depth + Self.rowPadding
      planes.append(plane)
      plane.values += block.tiles * plane.valueStride + Self.rowPadding
      plane.products += block.tiles * (outputs + Self.rowPadding) + Self.rowPadding
      plane.index += 1
      plane.precedingDepth += plane.depth
      plane.gradient += plane.depth * (outputs + Self.rowPadding) + Self.planePadding
    }
    self.planes = planes
    (valueFloats, productFloats) = (plane.values, plane.products)
    (totalDepth, gradientFloats) = (plane.precedingDepth, plane.gradient)
  }

  /// 3x3 with padding 1, stride 1 or 2, channels in whole panels, outputs in whole tiles.
  private static func suits(_ geometry: ConvolutionGeometry) -> Bool {
    let panel = PackedGEMM.panelWidth
    return geometry.kernel == 3 && geometry.padding == 1 && [1, 2].contains(geometry.stride)
      && geometry.inputChannels % panel == 0 && geometry.outputChannels % panel == 0
      && geometry.inputHeight % (4 * geometry.stride) == 0
      && geometry.inputWidth % (4 * geometry.stride) == 0
      && geometry.inputHeight > 0 && geometry.inputWidth > 0
  }

  // MARK: Packed weights: panel after panel, each with the 16 columns' weights of all planes

  /// Floats from one panel of 16 output channels to the next; planes lie one after the other in it.
  var panelStride: Int { PackedGEMM.panelWidth * (totalDepth + planes.count) }
  /// First float of a plane in a panel.
  func place(of plane: Plane) -> Int {
    PackedGEMM.panelWidth * (plane.precedingDepth + plane.index)
  }

  /// The same for panels of 16 input channels; each phase of each plane takes `transposedPlace`.
  var transposedPanelStride: Int { totalDepth / channels * transposedStep }
  func transposedPlace(of plane: Plane, phase: Int) -> Int {
    (plane.precedingDepth / channels + phase) * transposedStep
  }
  private var transposedStep: Int { PackedGEMM.panelWidth * (outputs + 1) }

  /// Room for either.
  var weightFloats: Int {
    max(outputs * panelStride, channels * transposedPanelStride) / PackedGEMM.panelWidth
  }

  // MARK: Strips

  /// Floats of the strip that a thread transforms a tile row in: rows of transformed columns.
  var stripFloats: Int { stripRows * stripStride }
  private var stripRows: Int { isStrided ? 9 : 6 }
  /// Floats from one strip row to the next: room for the input with its padding, or for the
  /// outputs.
  var stripStride: Int {
    max((geometry.inputWidth + 2) * channels, geometry.outputWidth * outputs) + Self.rowPadding
  }
  /// Floats of the input-gradient rows that two tile rows share.
  var carryFloats: Int { 2 * geometry.inputWidth * channels }
}

/// How many tiles are transformed at a time: the one table, measured at widths 16 and 64.
enum WinogradBlocks {
  /// Weights beyond this many floats (all planes) pass through the cache too slowly for blocks per
  /// thread.
  private static let largestPrivateWeights = 36 * 128 * 160
  private static let privateTiles = 24
  /// Products of 16-bit integers are so quick that to write the weight gradient counts: it is written
  /// once a block.
  private static let privateInt16Tiles = 48
  private static let sharedTiles = 128

  static func choose(
    weightCount: Int, tileColumns: Int, tilesPerImage: Int, precision: ProductPrecision
  ) -> (tiles: Int, areShared: Bool) {
    let isShared = weightCount > largestPrivateWeights
    let unit = isShared ? tilesPerImage : tileColumns
    let own = precision == .float32 ? privateTiles : privateInt16Tiles
    let wanted = isShared ? sharedTiles : own
    return (max(wanted / unit, 1) * unit, isShared)
  }
}
