import Distributed

/// Reverses the trigger of each class of a network from clean images, the classes shared among the
/// ranks: class t is rank (t mod world)'s.
///
/// Each class is one rank's alone, so results have the same bits for any number of ranks.
struct TriggerReversal {
  /// The network, which stays as it is.
  let network: Network
  /// The clean images.
  let images: LabeledImages
  let settings: ReversalSettings
  /// How pixels become inputs.
  let normalization: Normalization
  /// What is done to images in each pass.
  let augmentation: Augmentation?
  let batchSize: Int
  let seed: UInt64
  let stage: Stage
  /// Threads and kernels; nothing of it is shared by ranks.
  let context: ComputeContext

  private var communicator: any Communicator { stage.communicator }

  /// The triggers of all classes, on all ranks; nil where a signal has stopped the search.
  ///
  /// Throws one-line errors, `SharedFailure` where all ranks know of it.
  func run() throws -> [ReversedTrigger]? {
    let (world, classes) = (communicator.worldSize, images.classCount)
    return try communicator.expectingWaits {
      let own = try communicator.together {
        try context.withFixedWeights {
          try stride(from: communicator.rank, to: classes, by: world).map { try search(class: $0) }
        }
      }
      let stopped: Int64 = own.contains { $0 == nil } ? 1 : 0
      guard try communicator.allReduceMaximum(stopped) == 0 else { return nil }
      return try gather(own.compactMap { $0 })
    }
  }

  /// The triggers of all classes, given those of this rank.
  private func gather(_ own: [ReversedTrigger]) throws -> [ReversedTrigger] {
    guard communicator.worldSize > 1 else { return own }
    let bytes = own.flatMap(\.floats).withUnsafeBytes { Array($0) }
    let all = try communicator.allGather(bytes).map { bytes in
      bytes.withUnsafeBytes { raw in
        (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
      }
    }
    let (height, width) = (images.height, images.width)
    let size = 4 * height * width + 1
    return (0..<images.classCount).map { index in
      let start = index / communicator.worldSize * size
      return ReversedTrigger(
        floats: all[index % communicator.worldSize][start..<start + size], height: height,
        width: width)
    }
  }

  /// The trigger of class `target`; nil where a signal has stopped the search.
  private func search(class target: Int) throws -> ReversedTrigger? {
    let step = ReversalStep(
      network, settings: settings, normalization: normalization, context: context)
    var search = ReversalSearch(settings)
    let loader = BatchLoader(
      images: images,
      sampler: ShardedSampler(
        count: images.count, batchSize: batchSize, shuffleSeed: seed, dropLast: false,
        worldSize: 1, rank: 0),
      normalization: normalization, augmentation: augmentation, seed: seed)
    var epochs = 0
    while epochs < settings.epochs {
      var (success, norm, batches) = (0.0, 0.0, 0.0)
      for batch in loader.epoch(epochs) {
        if stage.interruption.isRequested { return nil }
        let shape = network.inputShape.withBatch(batch.count)
        let outcome = step.run(
          Tensor(shape, in: batch.images), target: target, cost: search.cost)
        guard outcome.isFinite, outcome.crossEntropy.isFinite else {
          throw ReversalError.notFinite(target)
        }
        success += 100 * outcome.success
        norm += outcome.norm
        batches += 1
      }
      epochs += 1
      tell(epochs, of: target)
      let trigger = step.trigger
      guard trigger.isFinite else {
        throw ReversalError.triggerNotFinite(target, cost: search.cost)
      }
      let isOver = search.end(
        epochWith: trigger, success: success / batches, norm: norm / batches)
      if isOver { break }
    }
    guard let trigger = search.best else { return nil }
    stage.tell(.message(line(on: target, trigger, epochs: epochs)))
    return trigger
  }

  /// How far rank 0 is with its own classes, of which `target` is the present one.
  private func tell(_ epochs: Int, of target: Int) {
    let (world, all) = (communicator.worldSize, settings.epochs)
    let classes = (images.classCount - communicator.rank + world - 1) / world
    stage.tell(
      .working(
        WorkProgress(
          name: "reverse class \(target)", key: "reverse", done: target / world * all + epochs,
          total: classes * all, unit: "epochs at most")))
  }

  private func line(on target: Int, _ trigger: ReversedTrigger, epochs: Int) -> String {
    let size = (trigger.norm * 10).rounded() / 10
    return "class \(target): a mask of size \(size) after \(epochs) epoch\(epochs == 1 ? "" : "s")"
      + (trigger.works ? "" : ", which does not work")
  }
}

/// Why triggers cannot be reversed.
enum ReversalError: Error, Equatable, CustomStringConvertible {
  /// The network answers with what is no number.
  case notFinite(Int)
  /// The search itself has come to what is no number.
  case triggerNotFinite(Int, cost: Double)

  /// One line: what was expected and found.
  var description: String {
    switch self {
    case .notFinite(let target):
      "class \(target): expected finite answers of the model, found nan or infinity"
    case .triggerNotFinite(let target, let cost):
      "class \(target): expected a finite mask and pattern, found nan or infinity, the mask's size "
        + "counting \(cost.pythonRepr); give a smaller --init_cost, --cost_multiplier or --mask_lr"
    }
  }
}
