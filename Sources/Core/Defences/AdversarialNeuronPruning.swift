/// anp: prunes channels whose masking makes up for adversarial noise on the normalisations.
///
/// Wu and Wang, Adversarial Neuron Pruning Purifies Backdoored Deep Models, NeurIPS 2021. Masks are
/// learned on batches of images drawn with replacement (`NeuronMaskStep`); then the attacked network
/// is pruned in the masks' order, γ = 0, and how far is chosen (`PruningSweep`).
package struct AdversarialNeuronPruning: Defence {
  package static let name = "anp"
  package static let summary = "prunes channels by masks learned under adversarial noise"
  package static let decides = true

  /// The extent of the noise.
  package var extent = 0.4
  /// The moves of the noise in each step.
  package var moves = 1
  /// The weight of the loss without noise.
  package var alpha = 0.2
  /// Steps of the masks.
  package var iterations = 2000
  /// Steps from one row and checkpoint to the next.
  package var reportInterval = 500
  /// What prunings are counted by.
  package var way = PruningWay.threshold
  /// The largest threshold or number that is tried.
  package var largest = 0.9
  /// From one that is tried to the next.
  package var interval = 0.05
  /// The threshold or number to prune by; nil chooses.
  package var fixed: Double?

  package init() {}

  package static let fields: [ConfigField<Self>] =
    [
      .number("anp_eps", \.extent, .nonNegative).help(
        "How far noise on the normalisations goes", "extent", in: .attack),
      .integer("anp_steps", \.moves, 0...countLimit).help(
        "Moves of the noise in each step", "n", in: .attack),
      .number("anp_alpha", \.alpha, .share).help(
        "The weight of the loss without noise", "share", in: .attack),
      .integer("nb_iter", \.iterations, 1...countLimit).help(
        "Steps of the masks, on batches drawn with replacement", "n", in: .attack),
      .integer("print_every", \.reportInterval, 1...countLimit).help(
        "Steps from one line and checkpoint to the next", "n", in: .attack),
    ] + pruningFields

  private static let pruningFields: [ConfigField<Self>] = [
    .choice("pruning_by", \.way).help(
      "Whether thresholds of the masks or numbers of channels are tried", in: .attack),
    .number("pruning_max", \.largest, .nonNegative).help(
      "The largest threshold or number that is tried", "x", in: .attack),
    .number("pruning_step", \.interval, .positive).help(
      "From one that is tried to the next", "x", in: .attack),
    .number("pruning_number", \.fixed, .nonNegative).help(
      """
      Prune up to this threshold or number (anp's default: the choice of --selection; the original \
      keeps to that choice whatever this says)
      """, "x", in: .attack),
  ]

  package func purify(_ stage: DefenceStage) throws -> Purified {
    stage.tellOfPlainPasses()
    let masks = NeuronMasks(stage.copyOfNetwork())
    let step = NeuronMaskStep(
      masks, .init(alpha: alpha, extent: extent, moves: moves),
      optimizer: SGD(for: masks.store, momentum: stage.shared.momentum, weightDecay: 0),
      communicator: stage.communicator, context: stage.context)
    let training = try stage.train(
      step, on: stage.images, schedule: .constant(base: stage.shared.learningRate),
      drawnBatches: .init(all: iterations, perEpoch: min(reportInterval, iterations)))
    var purified = try prune(stage, masks.order)
    // Its test columns are those of no network that is kept.
    purified.tables.append(("mask_training.csv", training))
    return purified
  }

  /// Prunes the network of `stage` in `order`, as far as was given or is chosen.
  private func prune(_ stage: DefenceStage, _ order: NeuronOrder) throws -> Purified {
    var purified = Purified()
    let all = order.neurons.count
    func finding(_ count: Int, _ limit: String) -> String {
      "pruned \(count) of \(all) channels, \(limit)"
    }
    if let fixed {
      let count = way.count(fixed, in: order)
      order.prune(count, in: stage.network.store)
      purified.findings = [finding(count, "up to \(way.rawValue) \(fixed.pythonRepr), as given")]
      return purified
    }
    let sweep = PruningSweep(stage)
    let before = try sweep.judge()
    try sweep.requireSuccessRate(before)
    var table = PruningSweep.table([way.rawValue, "num_pruned"])
    var (judgements, counts) = ([PruningSweep.Judgement](), [Int]())
    let tried = way.values(upTo: largest, by: interval)
    for value in tried {
      let count = way.count(value, in: order)
      // What prunes as many as the one before does the same.
      let judgement =
        counts.last == count
        ? judgements[judgements.count - 1]
        : try stage.network.store.withPassingChange {
          order.prune(count, in: stage.network.store)
          return try sweep.judge()
        }
      judgements.append(judgement)
      counts.append(count)
      table.append(PruningSweep.row([.number(value), .count(count)], judgement))
      sweep.tell(table.rows.count, of: tried.count)
    }
    purified.tables = [("\(way.rawValue)_df.csv", table)]
    guard let choice = sweep.choice(of: judgements, before: before) else {
      let reason = sweep.hopelessness(before) ?? "no \(way.rawValue) was admitted"
      purified.findings = ["nothing is pruned: \(reason)"]
      return purified
    }
    order.prune(counts[choice], in: stage.network.store)
    purified.findings = [
      finding(counts[choice], "up to \(way.rawValue) \(tried[choice].pythonRepr), as chosen")
    ]
    return purified
  }
}

/// What prunings are counted by.
package enum PruningWay: String, CaseIterable, Sendable {
  /// The largest mask that is pruned.
  case threshold
  /// The channels that are pruned.
  case number

  /// The thresholds or numbers that are tried.
  ///
  /// Thresholds are NumPy's `arange(0, largest + interval, interval)`; numbers are whole multiples
  /// of the interval, the first of which is one interval, as in the originals.
  package func values(upTo largest: Double, by interval: Double) -> [Double] {
    switch self {
    case .threshold:
      let count = min(((largest + interval) / interval).rounded(.up), 10_000)
      return (0..<Int(count)).map { Double($0) * interval }
    case .number:
      let (largest, interval) = (largest.rounded(.up), interval.rounded(.up))
      let count = min((largest / interval).rounded(.down) + 1, 10_000)
      return (1...Int(count)).map { Double($0) * interval }
    }
  }

  /// The channels of `order` that `value` prunes.
  package func count(_ value: Double, in order: NeuronOrder) -> Int {
    switch self {
    case .threshold: order.count(upTo: value)
    case .number: Int(min(value, Double(order.neurons.count)))
    }
  }
}
