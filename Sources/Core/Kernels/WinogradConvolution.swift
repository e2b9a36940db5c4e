/// 3x3 convolutions by Winograd's algorithm: a quarter of direct convolution's multiplications at
/// stride 1, 81 of 144 at stride 2.
///
/// Output tiles of 4x4 are linear combinations of products in a transformed domain, where the
/// convolution is one matrix product per point ("plane"): forward y = Aᵀ[(G g) (Bᵀ d)], its
/// transpose for the input's gradient, values' transposed times products' gradients for the
/// weights'. Blocks of tiles stay in cache from the first transform to the last. Narrow layers:
/// each thread runs its own blocks. Wide layers, whose weights exceed the cache: threads share each
/// block and split the planes. Which thread does what, and the order of every sum, is fixed. N =
/// batch, I and O = input and output channels; weights are HWIO.
package struct WinogradConvolution: Sendable {
  let plan: WinogradPlan

  /// The convolution of `geometry`, or nil where the algorithm does not suit it; its blocks suit
  /// products of `precision`.
  package init?(_ geometry: ConvolutionGeometry, for precision: ProductPrecision = .float32) {
    guard let plan = WinogradPlan(geometry, for: precision) else { return nil }
    self.plan = plan
  }

  /// output[N, OH, OW, O] = input * weights, plus the old output where `accumulate` holds; or what
  /// `finish` makes of it.
  package func forward(
    input: ConvolutionInput, weights: UnsafeMutablePointer<Float>,
    output: UnsafeMutablePointer<Float>, batch: Int, accumulate: Bool = false,
    finish: ConvolutionFinish? = nil, context: ComputeContext,
    ready: PixelsReady = { _, _ in }
  ) {
    let products = WinogradProducts(context.precision)
    let memory = WinogradMemory(
      plan, gradients: false, batch: batch, products: products, context: context)
    let packed =
      memory.isChunked
      ? nil
      : context.packedWeights.form(
        of: weights, count: plan.weightFloats, scratch: memory.weights
      ) {
        WinogradWeights(plan: plan).pack(weights, into: $0, for: products, context: context)
      }
    let tiles = WinogradTiles(plan)
    memory.forEachBlock(
      batch: batch,
      load: { rows, first, thread in
        tiles.loadInput(
          input, rows: rows, first: first, values: memory.values(thread),
          strip: memory.strip(thread))
      },
      multiply: { index, count, thread in
        guard let packed else { return }
        let plane = plan.planes[index]
        let values = memory.values(thread) + plane.values
        products.packRows(values, stride: plane.valueStride, tiles: count, depth: plane.depth)
        products.multiply(
          values, stride: plane.valueStride, panels: packed + plan.place(of: plane),
          panelStride: plan.panelStride,
          into: memory.products(thread) + plane.products, stride: plan.productStride, m: count,
          n: plan.outputs, k: plane.depth)
      },
      multiplyAll: { tiles in
        WinogradChunks(
          plan: plan, weights: weights, products: products, context: context
        ).multiply(
          values: memory.values(0), into: memory.products(0), tiles: tiles, scratch: memory.chunks)
      },
      store: { rows, first, thread in
        tiles.storeOutput(
          products: memory.products(thread), rows: rows, first: first, output: output,
          accumulate: accumulate, finish: finish, strip: memory.strip(thread)
        ) { ready($0, thread) }
      })
  }

  /// Adds input * outputGradient to `weightGradient`, and writes the input's gradient, each where it
  /// is wanted.
  ///
  /// Both need the transformed gradient of the output, which is computed once. `packed` is what
  /// `packForInputGradient` made of the weights, where that is at hand.
  package func backward(
    input: ConvolutionInput, outputGradient: ConvolutionOutputGradient,
    weights: UnsafeMutablePointer<Float>, packed: UnsafeMutablePointer<Float>? = nil,
    weightGradient: UnsafeMutablePointer<Float>?, inputGradient: ConvolutionInputGradient?,
    batch: Int, context: ComputeContext, ready: PixelsReady = { _, _ in }
  ) {
    if batch == 0 { return }
    let products = WinogradProducts(context.precision)
    let memory = WinogradMemory(
      plan, gradients: true, batch: packed == nil ? batch : nil, products: products,
      context: context)
    if inputGradient != nil, packed == nil, !memory.isChunked {
      pack(weights, into: memory, for: products, context: context)
    }
    let packed = packed ?? memory.weights
    let tiles = WinogradTiles(plan)
    let started = StartedPlanes(planes: plan.planes.count, threads: context.threads)
    memory.forEachBlock(
      batch: batch,
      load: { rows, first, thread in
        let strip = memory.strip(thread)
        if weightGradient != nil {
          tiles.loadInput(
            input, rows: rows, first: first, values: memory.values(thread), strip: strip)
        }
        tiles.loadGradient(
          outputGradient, rows: rows, first: first, products: memory.products(thread), strip: strip)
      },
      multiply: { index, count, thread in
        backwardProducts(
          index, count, thread, memory, products,
          started: weightGradient == nil ? nil : started.markStarted(index, thread),
          packed: inputGradient == nil ? nil : packed)
      },
      multiplyAll: { tiles in
        let chunks = WinogradChunks(
          plan: plan, weights: weights, products: products, context: context)
        if let weightGradient {
          chunks.addWeightGradient(
            values: memory.values(0), gradients: memory.products(0),
            factors: (memory.gradientFactor(0), memory.factorStep), tiles: tiles,
            to: weightGradient,
            scratch: memory.chunks)
        }
        if inputGradient == nil { return }
        chunks.multiplyTransposed(
          gradients: memory.products(0), into: memory.values(0), tiles: tiles,
          scratch: memory.chunks)
      },
      store: { rows, first, thread in
        guard let inputGradient else { return }
        tiles.storeInputGradient(
          values: memory.values(thread), rows: rows, first: first,
          inputGradient: inputGradient.values, accumulate: inputGradient.accumulate,
          strip: memory.strip(thread), carry: memory.carry(thread)
        ) { ready($0, thread) }
      })
    guard let weightGradient, !memory.isChunked else { return }
    let parts = plan.sharesBlocks ? [0] : (0..<context.threads).filter { started.any($0) }
    if !parts.isEmpty {
      WinogradWeights(plan: plan).addGradient(
        of: parts.map(memory.weightGradient), to: weightGradient, context: context)
    }
  }

  /// The weights in the form that `backward` needs for the input's gradient, in `context`'s shared
  /// scratch memory.
  func packForInputGradient(
    _ weights: UnsafeMutablePointer<Float>, context: ComputeContext
  ) -> UnsafeMutablePointer<Float> {
    let products = WinogradProducts(context.precision)
    let memory = WinogradMemory(
      plan, gradients: true, batch: nil, products: products, context: context)
    pack(weights, into: memory, for: products, context: context)
    return memory.weights
  }

  private func pack(
    _ weights: UnsafeMutablePointer<Float>, into memory: WinogradMemory,
    for products: WinogradProducts, context: ComputeContext
  ) {
    Transposition.swapLastTwo(
      weights, count: 9, rows: plan.channels, columns: plan.outputs,
      into: memory.transposedWeights, context: context)
    WinogradWeights(plan: plan).packTransposed(
      memory.transposedWeights, into: memory.weights, for: products, context: context)
  }

  /// One plane's part of the weights' gradient, which is added to where it is `started` and left
  /// out where that is nil, and of the values' gradient in place of the values.
  private func backwardProducts(
    _ index: Int, _ count: Int, _ thread: Int, _ memory: WinogradMemory,
    _ products: WinogradProducts, started: Bool?, packed: UnsafeMutablePointer<Float>?
  ) {
    let plane = plan.planes[index]
    let values = memory.values(thread) + plane.values
    let gradients = memory.products(thread) + plane.products
    if let started {
      // Their floats are still to be read as rows.
      let factor = products.packs ? memory.gradientFactor(thread) : gradients
      products.packColumns(
        values, stride: plane.valueStride, depth: count, columns: plane.depth)
      products.packColumns(
        gradients, stride: plan.productStride, depth: count, columns: plan.outputs, into: factor)
      products.multiplyTransposed(
        values, stride: plane.valueStride, factor, stride: plan.productStride,
        into: memory.weightGradient(thread) + plane.gradient, stride: plan.gradientStride,
        m: plane.depth, n: plan.outputs, k: count, accumulate: started)
    }
    guard let packed else { return }
    products.packRows(gradients, stride: plan.productStride, tiles: count, depth: plan.outputs)
    for phase in 0..<plane.depth / plan.channels {
      products.multiply(
        gradients, stride: plan.productStride,
        panels: packed + plan.transposedPlace(of: plane, phase: phase),
        panelStride: plan.transposedPanelStride, into: values + phase * plan.channels,
        stride: plane.valueStride, m: count, n: plan.channels, k: plan.outputs)
    }
  }
}

/// Which planes of which thread's weight gradient have been written in this call: the first sum
/// overwrites.
private final class StartedPlanes: @unchecked Sendable {
  private let flags: UnsafeMutableBufferPointer<Bool>
  private let planes: Int

  init(planes: Int, threads: Int) {
    self.planes = planes
    flags = .allocate(capacity: planes * threads)
    flags.initialize(repeating: false)
  }

  deinit { flags.deallocate() }

  /// Marks the plane and tells whether it was marked before; only `thread` itself asks.
  func markStarted(_ plane: Int, _ thread: Int) -> Bool {
    let place = thread * planes + plane
    defer { flags[place] = true }
    return flags[place]
  }

  /// Whether `thread` has written anything.
  func any(_ thread: Int) -> Bool { flags[thread * planes] }
}
