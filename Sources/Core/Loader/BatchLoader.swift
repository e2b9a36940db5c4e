import Distributed
import Foundation

/// A dataset as batches of normalised floats, prepared by a thread ahead of the training.
///
/// Gives one rank its share of every global batch. Without augmentation and with a sampler that
/// neither shuffles nor drops, it is the loader of evaluation.
public final class BatchLoader: Sendable {
  /// The images that batches are made of.
  public let images: LabeledImages
  /// Which images each step takes.
  public let sampler: ShardedSampler
  /// Batches that are prepared ahead.
  public static let prefetchCount = 2

  private let augmentation: Augmentation?
  /// What the augmentation, and the steps' own draws, are keyed by.
  public let seed: UInt64
  private let poisoned: PoisonedDataset?
  private let writer: ImageWriter

  /// A loader; `seed` keys the augmentation by (seed, epoch, index in `images`).
  ///
  /// `poisoned` tells what was done to the images, for the roles of each batch.
  public init(
    images: LabeledImages, sampler: ShardedSampler, normalization: Normalization,
    augmentation: Augmentation? = nil, seed: UInt64 = 0, poisoned: PoisonedDataset? = nil
  ) {
    precondition(
      (sampler.population ?? sampler.count) == images.count,
      "a sampler of \(sampler.count) for \(images.count) images")
    self.images = images
    self.sampler = sampler
    self.augmentation = augmentation
    self.seed = seed
    self.poisoned = poisoned
    writer = ImageWriter(
      height: images.height, width: images.width, channels: images.channels,
      normalization: normalization)
  }

  /// A loader of all images in their order, the last partial batch included, for evaluation.
  public static func sequential(
    _ images: LabeledImages, batchSize: Int, normalization: Normalization, worldSize: Int = 1,
    rank: Int = 0
  ) -> BatchLoader {
    let sampler = ShardedSampler(
      count: images.count, batchSize: batchSize, shuffleSeed: nil, dropLast: false,
      worldSize: worldSize, rank: rank)
    return BatchLoader(images: images, sampler: sampler, normalization: normalization)
  }

  /// The batches of `epoch` from `step` on, this rank's share of each.
  ///
  /// A thread prepares them and ends with the sequence, whether or not that was used up.
  public func epoch(_ epoch: Int, startingAt step: Int = 0) -> BatchSequence {
    let queue = BatchQueue(capacity: Self.prefetchCount)
    let thread = Thread { [self] in
      produce(epoch: epoch, from: step, into: queue)
      queue.finish()
    }
    thread.name = "batches"
    thread.start()
    return BatchSequence(queue: queue)
  }

  private func produce(epoch: Int, from firstStep: Int, into queue: BatchQueue) {
    guard firstStep < sampler.stepsPerEpoch else { return }
    let order = sampler.order(epoch: epoch)
    var pool = BufferPool()
    for step in firstStep..<sampler.stepsPerEpoch {
      let range = sampler.localRange(step: step)
      let indices = Array(order[range])
      let buffer = pool.buffer(count: indices.count * images.imageSize)
      // An image that is drawn twice is moved differently.
      fill(
        buffer, with: indices, keys: sampler.population == nil ? indices : Array(range),
        epoch: epoch)
      var batch = Batch(
        images: buffer, labels: indices.map { Int32(images.labels[$0]) }, indices: indices,
        globalCount: sampler.globalBatchSize(step: step))
      batch.start = range.lowerBound - step * sampler.batchSize
      if let poisoned {
        batch.roles = indices.map { poisoned.isPoisoned[$0] ? .triggered : .clean }
        batch.originalLabels = indices.map { Int32(poisoned.originalLabels[$0]) }
      }
      if !queue.push(batch) { return }
    }
  }

  private func fill(_ buffer: FloatBuffer, with indices: [Int], keys: [Int], epoch: Int) {
    images.pixels.withUnsafeBufferPointer { pixels in
      for (slot, index) in indices.enumerated() {
        let placement =
          augmentation?.placement(seed: seed, epoch: epoch, index: keys[slot]) ?? .identity
        let floats = buffer.floats[slot * images.imageSize..<(slot + 1) * images.imageSize]
        writer.write(
          UnsafeBufferPointer(rebasing: pixels[images.range(of: index)]), placement: placement,
          to: UnsafeMutableBufferPointer(rebasing: floats))
      }
    }
  }
}

/// The batches of one epoch, each to be taken once; it owns the thread that prepares them.
public final class BatchSequence: Sequence, IteratorProtocol {
  private let queue: BatchQueue

  init(queue: BatchQueue) { self.queue = queue }

  deinit { queue.cancel() }

  /// The next batch, waiting for it if need be; nil after the epoch's last one.
  ///
  /// A batch's memory is used again for a later batch once the batch is let go of.
  public func next() -> Batch? { queue.pop() }
}
