import Distributed

/// What every layer computes with: threads, memory that is reused, and the ranks of BatchNorm.
///
/// One context serves one training or evaluation loop at a time.
public final class ComputeContext {
  /// The threads that share each kernel's work.
  public let pool: ThreadPool
  /// Which convolution kernels are used.
  public let convolution: ConvolutionChoice
  /// In what numbers convolutions multiply.
  let precision: ProductPrecision
  /// The ranks that BatchNorm's statistics are of; nil where they are each rank's own, as the
  /// classifier's without `--sync_bn`.
  public let statistics: StatisticsGroup?
  let scratch: ScratchMemory
  let packedWeights = PackedWeights()

  private lazy var singleThreaded = (0..<threads).map { _ in
    ComputeContext(
      pool: ThreadPool(threadCount: 1), batchNormGroup: nil, convolution: convolution,
      precision: precision)
  }

  /// A context of `threads` threads; `batchNormGroup` is given for `--sync_bn`.
  public convenience init(
    threads: Int, batchNormGroup: (any Communicator)? = nil,
    convolution: ConvolutionChoice = .automatic, precision: PrecisionChoice = .float32
  ) {
    self.init(
      pool: ThreadPool(threadCount: threads), batchNormGroup: batchNormGroup,
      convolution: convolution, precision: precision.resolved)
  }

  /// A context on the threads of `other`, with scratch memory and a BatchNorm group of its own.
  public convenience init(sharing other: ComputeContext, batchNormGroup: (any Communicator)?) {
    self.init(
      pool: other.pool, batchNormGroup: batchNormGroup, convolution: other.convolution,
      precision: other.precision)
  }

  private init(
    pool: ThreadPool, batchNormGroup: (any Communicator)?, convolution: ConvolutionChoice,
    precision: ProductPrecision
  ) {
    (self.pool, self.convolution, self.precision) = (pool, convolution, precision)
    statistics = batchNormGroup.map(StatisticsGroup.init)
    scratch = ScratchMemory(threads: pool.threadCount)
  }

  /// The number of threads.
  public var threads: Int { pool.threadCount }

  /// Whether BatchNorm statistics are joined over all ranks (`--sync_bn`).
  public var sharesStatistics: Bool { statistics != nil }

  /// The time spent so far in all-reduces inside layers.
  var waitedForRanks: Duration { statistics?.waited ?? .zero }

  /// Runs `body`, in which no weights change: what convolutions make of them is kept until it ends.
  ///
  /// For evaluation, where it saves 5 % of the time; it takes four times the weights' own memory.
  public func withFixedWeights<Result>(_ body: () throws -> Result) rethrows -> Result {
    try packedWeights.keep(during: body)
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

  /// Throws the failure of an all-reduce inside a layer, once per step.
  public func check() throws { try statistics?.check() }
}
