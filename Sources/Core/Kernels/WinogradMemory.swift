/// A Winograd convolution's scratch memory, and the walk over its blocks of tiles.
///
/// Packed weights are shared by all threads, or each thread's own chunks. Values, products and
/// weight gradient are each thread's own or, in wide layers, shared too.
struct WinogradMemory {
  private let plan: WinogradPlan
  private let context: ComputeContext
  private let shared: UnsafeMutablePointer<Float>
  private let own: [UnsafeMutablePointer<Float>]
  private let weightFloats: Int
  private let gradientFloats: Int
  private let workFloats: Int
  /// Floats that hold the factor of one plane; see `gradientFactor`.
  let factorStep: Int
  /// First float of the factors: in each thread's own memory or, with chunks, in the shared.
  private let factors: Int
  /// Whether the weights are packed and used chunk by chunk.
  let isChunked: Bool

  /// Memory for one call; `batch` is nil where weights are packed apart from it.
  init(
    _ plan: WinogradPlan, gradients: Bool, batch: Int?, products: WinogradProducts,
    context: ComputeContext
  ) {
    self.plan = plan
    self.context = context
    isChunked =
      batch.map {
        !context.packedWeights.areKept
          && WinogradChunks.suit(plan, batch: $0, threads: context.threads)
      } ?? false
    gradientFloats = gradients && !isChunked ? Self.rounded(plan.gradientFloats) : 0
    workFloats =
      Self.rounded(plan.valueFloats) + Self.rounded(plan.productFloats) + gradientFloats
    let transposed = gradients ? Self.rounded(9 * plan.channels * plan.outputs) : 0
    weightFloats = isChunked ? 0 : Self.rounded(plan.weightFloats)
    let local = Self.rounded(plan.stripFloats) + Self.rounded(plan.carryFloats)
    let common =
      weightFloats + (isChunked ? 0 : transposed) + (plan.sharesBlocks ? workFloats : 0)
    let apart =
      isChunked
      ? WinogradChunks.floats(plan, gradients: gradients) : plan.sharesBlocks ? 0 : workFloats
    factorStep =
      gradients
      ? Self.rounded(
        products.columnFloats(tiles: plan.tilesPerBlock, stride: plan.productStride)) : 0
    factors = isChunked ? common : local + Self.rounded(apart)
    shared = context.scratch.shared(common + (isChunked ? plan.planes.count * factorStep : 0))
    own = context.scratch.perThread(isChunked ? local + apart : factors + factorStep)
  }

  /// Keeps every array on a cache line of its own.
  private static func rounded(_ floats: Int) -> Int { (floats + 31) / 16 * 16 }

  var weights: UnsafeMutablePointer<Float> { shared }
  var transposedWeights: UnsafeMutablePointer<Float> {
    shared + weightFloats + (plan.sharesBlocks ? workFloats : 0)
  }

  @inline(__always)
  private func work(_ thread: Int) -> UnsafeMutablePointer<Float> {
    plan.sharesBlocks
      ? shared + weightFloats
      : own[thread] + Self.rounded(plan.stripFloats) + Self.rounded(plan.carryFloats)
  }

  /// Each thread's memory for `WinogradChunks`.
  var chunks: [UnsafeMutablePointer<Float>] {
    own.map { $0 + Self.rounded(plan.stripFloats) + Self.rounded(plan.carryFloats) }
  }
  func strip(_ thread: Int) -> UnsafeMutablePointer<Float> { own[thread] }
  func carry(_ thread: Int) -> UnsafeMutablePointer<Float> {
    own[thread] + Self.rounded(plan.stripFloats)
  }
  func values(_ thread: Int) -> UnsafeMutablePointer<Float> { work(thread) + gradientFloats }
  func products(_ thread: Int) -> UnsafeMutablePointer<Float> {
    values(thread) + Self.rounded(plan.valueFloats)
  }
  /// Where the output gradient goes as the second factor of the weights' gradient, with rows as far
  /// apart as the products': one plane's of each thread or, with chunks, all planes'.
  func gradientFactor(_ thread: Int) -> UnsafeMutablePointer<Float> {
    (isChunked ? shared : own[thread]) + factors
  }
  func weightGradient(_ thread: Int) -> UnsafeMutablePointer<Float> { work(thread) }

  /// Calls `load`, `multiply` and `store` for every block of tile rows of `batch` images.
  ///
  /// `load` and `store` are given tile rows, the block's first one and the thread; `multiply` a
  /// plane, the block's tiles and the thread. Where `isChunked` holds, `multiplyAll` takes the
  /// place of `multiply`, given the tiles.
  func forEachBlock(
    batch: Int, load: (Range<Int>, Int, Int) -> Void, multiply: (Int, Int, Int) -> Void,
    multiplyAll: (Int) -> Void, store: (Range<Int>, Int, Int) -> Void
  ) {
    if plan.sharesBlocks {
      forEachSharedBlock(batch: batch, load: load, store: store) { tiles in
        if isChunked {
          multiplyAll(tiles)
        } else {
          forEachPlane { multiply($0, tiles, $1) }
        }
      }
      return
    }
    context.pool.forEachShare(of: batch) { images, thread in
      let rows = images.lowerBound * plan.tileRows..<images.upperBound * plan.tileRows
      for start in stride(from: rows.lowerBound, to: rows.upperBound, by: plan.tileRowsPerBlock) {
        let block = start..<min(start + plan.tileRowsPerBlock, rows.upperBound)
        load(block, start, thread)
        for plane in plan.planes.indices {
          multiply(plane, block.count * plan.tileColumns, thread)
        }
        store(block, start, thread)
      }
    }
  }

  /// Calls `body` with each plane and the thread that has it.
  func forEachPlane(_ body: (_ plane: Int, _ thread: Int) -> Void) {
    context.pool.run { thread in
      // Planes are ordered by depth, so dealing them out in turn shares the work evenly.
      for plane in stride(from: thread, to: plan.planes.count, by: context.threads) {
        body(plane, thread)
      }
    }
  }

  private func forEachSharedBlock(
    batch: Int, load: (Range<Int>, Int, Int) -> Void, store: (Range<Int>, Int, Int) -> Void,
    multiply: (_ tiles: Int) -> Void
  ) {
    let imagesPerBlock = plan.tilesPerBlock / plan.tilesPerImage
    for start in stride(from: 0, to: batch, by: imagesPerBlock) {
      let count = min(imagesPerBlock, batch - start)
      let first = start * plan.tileRows
      func rows(_ images: Range<Int>) -> Range<Int> {
        first + images.lowerBound * plan.tileRows..<first + images.upperBound * plan.tileRows
      }
      context.pool.forEachShare(of: count) { load(rows($0), first, $1) }
      multiply(count * plan.tilesPerImage)
      context.pool.forEachShare(of: count) { store(rows($0), first, $1) }
    }
  }
}
