import Distributed

/// fp: masks the head's inputs that clean images excite least, then fine-tunes the rest.
///
/// Liu et al., Fine-Pruning: Defending Against Backdooring Attacks on Deep Neural Networks, RAID 2018.
/// Inputs are masked in ascending order of their mean activation, so many at a time, for as long as
/// the accuracy holds; the last good step stays, and the masked columns of the head's weight stay 0
/// in the fine-tuning. With `--selection benchmark` as the original: each step masks an input less
/// than it says, and the step that broke the limit stays.
package struct FinePruning: Defence {
  package static let name = "fp"
  package static let summary = "masks the head's least excited inputs, then fine-tunes"
  package static let decides = true

  /// The share of the inputs that a step masks.
  package var share = 0.01

  package init() {}

  package static let fields: [ConfigField<Self>] = [
    .number("once_prune_ratio", \.share, .positiveShare).help(
      "The share of the head's inputs that is masked at a time", "share", in: .attack)
  ]

  package func purify(_ stage: DefenceStage) throws -> Purified {
    let network = stage.network
    let activations = try Self.meanFeatures(
      of: network, stage.loader(of: stage.images).epoch(0), communicator: stage.communicator,
      context: stage.context)
    let order = Self.order(activations)
    let (masked, table) = try prune(stage, order)
    Self.mask(masked, of: network)
    let step = stage.classifierStep(
      network, imageCount: stage.images.count,
      optimizer: Self.keepingMasked(
        masked, of: network,
        SGD(
          for: network.store, momentum: stage.shared.momentum,
          weightDecay: stage.shared.weightDecay)))
    let training = try stage.train(step, on: stage.images)
    var purified = Purified()
    purified.tables = [("prune_log.csv", table), ("fp_df.csv", training)]
    purified.findings = ["masked \(masked.count) of \(order.count) inputs of the head"]
    return purified
  }

  /// The mean of each input of the head over all images of `batches`: [head.inputs].
  package static func meanFeatures(
    of network: Network, _ batches: some Sequence<Batch>, communicator: any Communicator,
    context: ComputeContext
  ) throws -> [Double] {
    var sums = [Double](repeating: 0, count: network.head.inputs + 1)
    for batch in batches where batch.count > 0 {
      _ = network.forward(
        Tensor(network.inputShape.withBatch(batch.count), in: batch.images), mode: .evaluating,
        context: context)
      let features = network.features
      for place in 0..<features.shape.count {
        sums[place % network.head.inputs] += Double(features.pointer[place])
      }
      sums[network.head.inputs] += Double(batch.count)
    }
    try communicator.allReduceSum(&sums)
    return sums.dropLast().map { $0 / max(sums[network.head.inputs], 1) }
  }

  /// The positions of `activations`, the smallest first.
  package static func order(_ activations: [Double]) -> [Int] {
    activations.indices.sorted { (Float(activations[$0]), $0) < (Float(activations[$1]), $1) }
  }

  /// How many inputs each step masks in all, from none on.
  package func steps(of inputs: Int) -> [Int] {
    let interval = max(Int((Double(inputs) * share).rounded(.up)), 1)
    return Array(stride(from: 0, to: inputs, by: interval))
  }

  /// The inputs to mask, and what each step did.
  private func prune(
    _ stage: DefenceStage, _ order: [Int]
  ) throws -> (masked: [Int], table: AttackDataFrame) {
    let isFaithful = stage.configuration.selection == .benchmark
    let sweep = PruningSweep(stage)
    var table = PruningSweep.table(["num_pruned", "all_filter_num"])
    var (before, masked) = (PruningSweep.Judgement?.none, [Int]())
    for count in steps(of: order.count) {
      let tried = Array(order.prefix(isFaithful ? max(count - 1, 0) : count))
      let judgement = try stage.network.store.withPassingChange {
        Self.mask(tried, of: stage.network)
        return try sweep.judge()
      }
      table.append(PruningSweep.row([.count(count), .count(order.count)], judgement))
      sweep.tell(table.rows.count, of: steps(of: order.count).count)
      let first = before ?? judgement
      before = first
      if count == 0, let line = sweep.hopelessness(first) {
        stage.stage.tell(.warning("nothing is pruned: \(line)"))
      }
      let isAdmitted = count == 0 || sweep.isAdmitted(judgement, before: first)
      if isAdmitted || isFaithful { masked = tried }
      if !isAdmitted { break }
    }
    return (masked, table)
  }

  /// Sets the head's weights of `inputs` to 0.
  package static func mask(_ inputs: [Int], of network: Network) {
    let head = network.head
    for input in inputs {
      for output in 0..<head.outputs {
        network.store.value(head.weight)[output * head.inputs + input] = 0
      }
    }
  }

  /// `optimizer` without the gradients of masked weights, which so stay 0.
  package static func keepingMasked(
    _ inputs: [Int], of network: Network, _ optimizer: any Optimizer
  ) -> ChangedGradients {
    let head = network.head
    let places = inputs.flatMap { input in
      (0..<head.outputs).map { head.weight.offset + $0 * head.inputs + input }
    }
    return ChangedGradients(for: optimizer) { gradients, range in
      for place in places where range.contains(place) { gradients[place] = 0 }
    }
  }
}
