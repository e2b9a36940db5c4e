import Distributed

/// What every layer needs to compute: the threads, their scratch memory, and the ranks it may talk to.
///
/// It owns the scratch memory; one context serves one training or evaluation loop at a time.
public final class ComputeContext {
  /// The threads that share each kernel's work.
  public let pool: ThreadPool
  /// The ranks whose BatchNorm statistics are joined with ours; nil keeps them apart.
  public let batchNormGroup: (any Communicator)?
  /// Which convolution kernels are used.
  public let convolution: ConvolutionChoice

  private var scratch: [FloatBuffer]
  private var scratchPointers: [UnsafeMutablePointer<Float>]
  private var shared = FloatBuffer(count: 0)
  private var failure: (any Error)?

  /// A context of `threads` threads; `batchNormGroup` is given for `--sync_bn`.
  public init(
    threads: Int, batchNormGroup: (any Communicator)? = nil,
    convolution: ConvolutionChoice = .automatic
  ) {
    self.convolution = convolution
    pool = ThreadPool(threadCount: threads)
    scratch = (0..<threads).map { _ in FloatBuffer(count: 0) }
    scratchPointers = scratch.map(\.pointer)
    let isShared = (batchNormGroup?.worldSize ?? 1) > 1
    self.batchNormGroup = isShared ? batchNormGroup : nil
  }

  /// The number of threads.
  public var threads: Int { pool.threadCount }

  /// Makes sure that each thread has `count` floats of scratch memory, and returns where each begins.
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

  /// Replaces `values` by their sums over the ranks that share BatchNorm statistics.
  ///
  /// A failed all-reduce is kept for `check()`: layers do not throw.
  func sumOverBatchNormGroup(_ values: inout [Double]) {
    guard let group = batchNormGroup, failure == nil else { return }
    do { try group.allReduceSum(&values) } catch { failure = error }
  }

  /// Throws the failure of an all-reduce inside a layer, once per step.
  public func check() throws {
    if let failure { throw failure }
  }
}
