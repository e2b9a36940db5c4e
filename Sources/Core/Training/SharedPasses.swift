import Distributed

/// A network's passes over a rank's share of a batch, for steps that are made of several: sums over
/// the ranks are taken at once, where they are asked for.
///
/// All ranks make the same passes together, those without images too.
package final class SharedPasses {
  /// The network.
  package let network: Network
  private let communicator: any Communicator
  private let context: ComputeContext

  /// Passes of `network` on the ranks of `communicator`.
  package init(_ network: Network, communicator: any Communicator, context: ComputeContext) {
    (self.network, self.communicator, self.context) = (network, communicator, context)
  }

  private var store: ParameterStore { network.store }

  /// What becomes of running statistics in a pass that learns.
  package enum Statistics {
    /// They move, by the mean over the ranks, weighted by their images.
    case move
    /// They stay; the batches that were seen are counted all the same.
    case stay
  }

  /// The logits of `batch`, or of `images` in the place of its own; the next forward overwrites them.
  package func forward(
    _ batch: Batch, images: FloatBuffer? = nil, mode: PassMode = .training,
    statistics: Statistics = .move, at moment: Moment
  ) throws -> Tensor {
    let before = mode == .training && statistics == .stay ? store.buffers.array : []
    let counted = store.batchesTracked
    let shape = network.inputShape.withBatch(batch.count)
    let logits = network.forward(
      Tensor(shape, in: images ?? batch.images), mode: mode, hooks: hooks(batch, at: moment),
      context: context)
    if mode == .training {
      // A rank without images has counted too.
      store.batchesTracked = counted.map { $0 + 1 }
      switch statistics {
      case .stay: store.buffers.pointer.update(from: before, count: before.count)
      case .move: try averageStatistics(batch)
      }
    }
    try context.check()
    return logits
  }

  /// Adds gradients as `reach` says, given those of the loss by the logits of the last forward.
  package func backward(
    _ logitsGradient: Tensor, of batch: Batch, reach: GradientReach = .parameters,
    entering: [Int: Tensor] = [:], at moment: Moment
  ) throws {
    var hooks = hooks(batch, at: moment)
    hooks.entering = entering
    network.backward(logitsGradient, reach: reach, hooks: hooks, context: context)
    try context.check()
  }

  /// What the logits of the last forward move by where its images move by `t`; see Note [Tangents].
  package func tangent(_ t: Tensor, of batch: Batch, at moment: Moment) throws -> Tensor {
    let moved = network.tangent(t, hooks: hooks(batch, at: moment), context: context)
    try context.check()
    return moved
  }

  /// Adds the gradients of <`gradient`, the last tangent>.
  package func tangentBackward(
    _ gradient: Tensor, of batch: Batch, at moment: Moment
  ) throws {
    network.tangentBackward(gradient, hooks: hooks(batch, at: moment), context: context)
    try context.check()
  }

  /// Sets all gradients to zero.
  package func clearGradients() { store.clearGradients(wide: context.sharesStatistics) }

  /// Replaces every gradient by its sum over the ranks.
  package func sumGradients() throws {
    if context.sharesStatistics {
      try store.reduceWideGradients { try communicator.allReduceSum(&$0) }
    } else if communicator.worldSize > 1 {
      try communicator.allReduceSum(store.gradients.floats)
    }
  }

  /// The gradients in `ranges`, one after the other, summed over the ranks.
  package func summedGradients(in ranges: [Range<Int>]) throws -> [Double] {
    var sums = ranges.flatMap { range in
      store.wideGradients.map { Array($0[range]) }
        ?? range.map { Double(store.gradients.pointer[$0]) }
    }
    try communicator.allReduceSum(&sums)
    return sums
  }

  private func hooks(_ batch: Batch, at moment: Moment) -> PassHooks {
    var hooks = PassHooks()
    hooks.draws = PassDraws(seed: moment.seed, epoch: moment.epoch, images: batch.indices)
    if context.sharesStatistics {
      hooks.imageShards = batch.shards(in: 0..<batch.count, of: communicator)
    }
    return hooks
  }

  /// See `ClassifierStep`: DDP would keep rank 0's.
  private func averageStatistics(_ batch: Batch) throws {
    guard communicator.worldSize > 1, !context.sharesStatistics else { return }
    let factor = Float(batch.count) / Float(batch.globalCount)
    for index in 0..<store.buffers.count { store.buffers.pointer[index] *= factor }
    try communicator.allReduceSum(store.buffers.floats)
  }
}

extension Batch {
  /// The shards of the whole batch that lie in `part` of this rank's share, as ranges of the part.
  ///
  /// See Note [Sums that do not depend on the world].
  func shards(in part: Range<Int>, of communicator: any Communicator) -> [Range<Int>] {
    let start =
      communicator.rank * globalCount / communicator.worldSize + part.lowerBound
    let bounds = (0...PassHooks.shardCount).map { $0 * globalCount / PassHooks.shardCount }
    return zip(bounds, bounds.dropFirst()).compactMap { lower, upper in
      let first = max(lower - start, 0)
      let end = min(upper - start, part.count)
      return first < end ? first..<end : nil
    }
  }
}

extension FloatBuffer {
  /// The sum of the products with `other`, in double and in order: the same on all ranks.
  package func dot(_ other: FloatBuffer) -> Double {
    precondition(count == other.count, "\(count) and \(other.count) values")
    var sum = 0.0
    for place in 0..<count { sum += Double(pointer[place]) * Double(other.pointer[place]) }
    return sum
  }
}
