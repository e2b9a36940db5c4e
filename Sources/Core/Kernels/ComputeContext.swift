import Distributed

/// What every layer needs to compute: the threads, their scratch memory, and the ranks it may talk
/// to.
///
/// It owns the scratch memory; one context serves one training or evaluation loop at a time.
public final class ComputeContext {
  /// The threads that share each kernel's work.
  public let pool: ThreadPool
  /// Whether BatchNorm statistics are joined over all ranks (`--sync_bn`).
  public var sharesStatistics: Bool { batchNormGroup != nil }

  /// The time spent so far in all-reduces inside layers: mostly waiting for other ranks.
  private(set) var waited = Duration.zero

  private let batchNormGroup: (any Communicator)?

  /// Which convolution kernels are used.
  public let convolution: ConvolutionChoice

  private lazy var singleThreaded = (0..<threads).map { _ in
    ComputeContext(threads: 1, convolution: convolution)
  }
  private var scratch: [FloatBuffer]
  private var scratchPointers: [UnsafeMutablePointer<Float>]
  private var shared = FloatBuffer(count: 0)
  private var failure: (any Error)?
  /// The packed forms that are at hand, by weights: nil outside `withFixedWeights`.
  private var keptWeights: [UnsafeMutablePointer<Float>: FloatBuffer]?
  /// Memory of earlier ones.
  private var spareMemory: [FloatBuffer] = []

  /// A context of `threads` threads; `batchNormGroup` is given for `--sync_bn`.
  public init(
    threads: Int, batchNormGroup: (any Communicator)? = nil,
    convolution: ConvolutionChoice = .automatic
  ) {
    self.convolution = convolution
    pool = ThreadPool(threadCount: threads)
    scratch = (0..<threads).map { _ in FloatBuffer(count: 0) }
    scratchPointers = scratch.map(\.pointer)
    self.batchNormGroup = batchNormGroup
  }

  /// A context on the threads of `other`, with scratch memory and a BatchNorm group of its own.
  public init(sharing other: ComputeContext, batchNormGroup: (any Communicator)?) {
    (convolution, pool) = (other.convolution, other.pool)
    scratch = (0..<pool.threadCount).map { _ in FloatBuffer(count: 0) }
    scratchPointers = scratch.map(\.pointer)
    self.batchNormGroup = batchNormGroup
  }

  /// The number of threads.
  public var threads: Int { pool.threadCount }

  /// Makes sure that each thread has `count` floats of scratch memory, and returns where each
  /// begins.
  ///
  /// The memory is the layer's until the next call; it grows to the largest request and stays.
  func scratch(perThread count: Int) -> [UnsafeMutablePointer<Float>] {
    for thread in 0..<threads where scratch[thread].count < count {
      scratch[thread] = FloatBuffer(count: count)
      scratchPointers[thread] = scratch[thread].pointer
    }
    return scratchPointers
  }

  /// `count` floats of scratch memory that all threads share, under the same rules.
  func sharedScratch(_ count: Int) -> UnsafeMutablePointer<Float> {
    if shared.count < count { shared = FloatBuffer(count: count) }
    return shared.pointer
  }

  /// Runs `body`, in which no weights change: what convolutions make of them is kept until it ends.
  ///
  /// For evaluation, where it saves 5 % of the time; it takes four times the weights' own memory.
  /// The memory stays for the next time. Inside another call it is that one that counts.
  public func withFixedWeights<Result>(_ body: () throws -> Result) rethrows -> Result {
    if keepsWeights { return try body() }
    keptWeights = [:]
    defer {
      spareMemory += keptWeights?.values.map(\.self) ?? []
      keptWeights = nil
    }
    return try body()
  }

  /// Whether what convolutions make of their weights is kept.
  var keepsWeights: Bool { keptWeights != nil }

  /// Where `pack` has put, or now puts, its form of `weights`, which takes `count` floats: kept
  /// memory inside `withFixedWeights`, else `scratch`.
  func packedWeights(
    _ weights: UnsafeMutablePointer<Float>, count: Int, scratch: UnsafeMutablePointer<Float>,
    pack: (UnsafeMutablePointer<Float>) -> Void
  ) -> UnsafeMutablePointer<Float> {
    if let kept = keptWeights?[weights] { return kept.pointer }
    guard keepsWeights else {
      pack(scratch)
      return scratch
    }
    let spare = spareMemory.firstIndex { $0.count == count }
    let buffer = spare.map { spareMemory.remove(at: $0) } ?? FloatBuffer(count: count)
    pack(buffer.pointer)
    keptWeights?[weights] = buffer
    return buffer.pointer
  }

  /// Calls `body(pixels, thread)` for each image, with its pixels counted over all images.
  ///
  /// What one image adds to a sum is computed alone: see Note [Sums that do not depend on the
  /// world].
  func forEachImage(_ shape: Shape, _ body: (Range<Int>, Int) -> Void) {
    let pixels = shape.height * shape.width
    pool.forEachShare(of: shape.batch) { images, thread in
      for image in images { body(image * pixels..<(image + 1) * pixels, thread) }
    }
  }

  /// Calls `body(shard, context, thread)` for each shard of images, one whole shard on one thread.
  ///
  /// Shards run in rounds of one for each thread; `roundEnded` gets the number of shards in the
  /// round.
  func forEachShard(
    _ shards: [Range<Int>], _ body: (Range<Int>, ComputeContext, Int) -> Void,
    roundEnded: (Int) -> Void
  ) {
    let contexts = singleThreaded
    for start in stride(from: 0, to: shards.count, by: threads) {
      let round = shards[start..<min(start + threads, shards.count)]
      pool.run { thread in
        if thread < round.count { body(round[start + thread], contexts[thread], thread) }
      }
      roundEnded(round.count)
    }
  }

  /// Replaces `values` by their sums over the ranks that share BatchNorm statistics.
  ///
  /// A failed all-reduce is kept for `check()`: layers do not throw.
  func sumOverBatchNormGroup(_ values: inout [Double]) {
    guard let group = batchNormGroup, failure == nil else { return }
    let start = ContinuousClock.now
    do { try group.allReduceSum(&values) } catch { failure = error }
    waited += start.duration(to: .now)
  }

  /// Throws the failure of an all-reduce inside a layer, once per step.
  public func check() throws {
    if let failure { throw failure }
  }
}
