/// Which images each rank takes in each step; the global order is the same for every world size.
///
/// An epoch is an order of all images cut into global batches. Of a batch of n images, rank r of w
/// takes the contiguous share `r*n/w ..< (r+1)*n/w`, so shares differ by at most one image and may
/// be empty where the last batch has fewer images than there are ranks.
public struct ShardedSampler: Sendable {
  /// The number of images in an epoch: all there are, unless they are drawn.
  public let count: Int
  /// The images that an epoch's are drawn from, each anew; nil takes each once.
  public var population: Int?
  /// Images per step over all ranks.
  public let batchSize: Int
  /// The seed of each epoch's order; nil keeps the dataset's order.
  public let shuffleSeed: UInt64?
  /// Whether a last batch smaller than `batchSize` is left out.
  public let dropLast: Bool
  /// The number of ranks that share each batch.
  public let worldSize: Int
  /// The rank whose share `localIndices` gives.
  public let rank: Int

  /// A sampler of `count` images; `batchSize` is global.
  public init(
    count: Int, batchSize: Int, shuffleSeed: UInt64?, dropLast: Bool, worldSize: Int = 1,
    rank: Int = 0
  ) {
    precondition(count >= 0 && batchSize > 0, "\(count) images in batches of \(batchSize)")
    precondition(0..<worldSize ~= rank, "rank \(rank) of \(worldSize)")
    self.count = count
    self.batchSize = batchSize
    self.shuffleSeed = shuffleSeed
    self.dropLast = dropLast
    self.worldSize = worldSize
    self.rank = rank
  }

  /// The number of global batches in an epoch.
  public var stepsPerEpoch: Int {
    dropLast ? count / batchSize : (count + batchSize - 1) / batchSize
  }

  /// The number of images that an epoch uses.
  public var imagesPerEpoch: Int { dropLast ? stepsPerEpoch * batchSize : count }

  /// The order of all images in `epoch`, the same on every rank: [count].
  public func order(epoch: Int) -> [Int] {
    if let population {
      var stream = RandomStream(seed: shuffleSeed ?? 0, purpose: .replacement, epoch: epoch)
      return (0..<count).map { _ in stream.nextInt(below: population) }
    }
    guard let shuffleSeed else { return Array(0..<count) }
    return Permutation.of(count: count, seed: shuffleSeed, epoch: epoch)
  }

  /// The number of images in global batch `step`.
  public func globalBatchSize(step: Int) -> Int {
    precondition(0..<stepsPerEpoch ~= step, "step \(step) of \(stepsPerEpoch)")
    return min(batchSize, count - step * batchSize)
  }

  /// The places in an epoch's order that this rank takes in `step`.
  public func localRange(step: Int) -> Range<Int> {
    let size = globalBatchSize(step: step)
    let start = step * batchSize
    return start + rank * size / worldSize..<start + (rank + 1) * size / worldSize
  }

  /// The images that this rank takes in `step` of `epoch`.
  ///
  /// Computes the whole order; a loop over steps keeps `order(epoch:)` and slices it by
  /// `localRange`.
  public func localIndices(epoch: Int, step: Int) -> [Int] {
    Array(order(epoch: epoch)[localRange(step: step)])
  }
}
