import Distributed

/// What a defence is handed: the attacked network, clean images, settings, ranks, and the training
/// and evaluation that all share.
package struct DefenceStage {
  /// All settings of the run.
  package let configuration: DefendConfiguration
  /// The attacked model, which the defence changes.
  let attacked: AttackedModel
  /// The clean images that it may use: those of the clean subset, without the held-out ones.
  package let images: LabeledImages
  /// Clean images by which it decides; empty where it decides by the test set.
  package let heldOut: LabeledImages
  /// What the model is judged by, which only `--selection benchmark` decides by.
  let sets: TestSets
  /// Where the run takes place.
  package let stage: Stage
  /// Threads and scratch memory.
  package let context: ComputeContext
  let identity: RunIdentity
  let claim: RunClaim?

  /// The network.
  package var network: Network { attacked.model }
  /// The ranks that run it.
  package var communicator: any Communicator { stage.communicator }
  /// Settings that all defences share.
  package var shared: TuneConfiguration { configuration.shared }
  /// How pixels become the network's inputs.
  package var normalization: Normalization {
    shared.pixelStatistics.normalization(of: shared.dataset)
  }
  /// Images of a batch over all ranks.
  package var batchSize: Int { shared.globalBatchSize(worldSize: communicator.worldSize) }

  /// Shuffled batches of `images`, augmented as the dataset's training images are.
  ///
  /// Where `drawnBatches` is given, an epoch has so many, of images that are drawn each anew.
  package func loader(
    of images: LabeledImages, augments: Bool = true, drawnBatches: Int? = nil
  ) -> BatchLoader {
    var sampler = ShardedSampler(
      count: drawnBatches.map { $0 * batchSize } ?? images.count, batchSize: batchSize,
      shuffleSeed: shared.randomSeed, dropLast: false,
      worldSize: communicator.worldSize, rank: communicator.rank)
    if drawnBatches != nil { sampler.population = images.count }
    return BatchLoader(
      images: images, sampler: sampler, normalization: normalization,
      augmentation: augments ? shared.augmentation : nil, seed: shared.randomSeed)
  }

  /// The plain step on `network`: cross-entropy, SGD as the settings say, or `optimizer`.
  package func classifierStep(
    _ network: Network, imageCount: Int, smoothing: Double = 0,
    optimizer: ChangedGradients? = nil
  ) -> ClassifierStep {
    ClassifierStep(
      model: network,
      optimizer: optimizer
        ?? SGD(
          for: network.store, momentum: shared.momentum, weightDecay: shared.weightDecay),
      loss: .smoothingOtherClasses(smoothing, classCount: network.head.outputs),
      largestShare: communicator.largestShare(of: min(batchSize, imageCount)),
      accumulationSteps: shared.accumulationSteps, compression: shared.compression,
      powerSGD: shared.powerSGD, communicator: communicator, context: context)
  }

  /// Trains with `step` on `images` for as many epochs as the settings say, or `epochs`.
  ///
  /// Where the run saves, its state is saved after each epoch, and a run that is resumed goes on
  /// there; of several trainings one alone `keepsState`, the others are done again. Throws
  /// `DefenceStopped`, on all ranks alike, where a signal stopped it. Rows are those of
  /// BackdoorBench's fine-tuning; after each epoch `epochEnded` is called, and where `isEnough` says
  /// so the training ends.
  package func train(
    _ step: any TrainingStep, on images: LabeledImages, epochs: Int? = nil, phase: String? = nil,
    augments: Bool = true, schedule: LearningRateSchedule? = nil,
    drawnBatches: DrawnBatches? = nil,
    keepsState: Bool = true, isEnough: (Trainer.Epoch) -> Bool = { _ in false },
    epochEnded: () throws -> Void = {}
  ) throws -> AttackDataFrame {
    var settings = shared
    if let epochs { settings.epochs = epochs }
    if let drawnBatches {
      settings.epochs = drawnBatches.epochs
      settings.maxSteps = min(settings.maxSteps ?? .max, drawnBatches.all)
    }
    let run = try TrainingRun(
      step, on: loader(of: images, augments: augments, drawnBatches: drawnBatches?.perEpoch),
      settings,
      TrainingRun.Plan(
        phase: phase ?? "defend \(configuration.name)", identity: identity,
        checkpoints: keepsState && settings.save ? checkpoints : nil,
        estimate: EndEstimate(evaluatedImages: 0), schedule: schedule),
      stage: stage)
    let first = try run.begin(keepsState ? claim : nil)
    var frame = AttackDataFrame(columns: AttackDataFrame.fineTuningColumns)
    run.rows.forEach { frame.append($0) }
    var stopped: TrainingPosition?
    do {
      stopped = try run.train(from: first) { epoch in
        let row = AttackDataFrame.fineTuningRow(epoch, tests: nil)
        frame.append(row)
        try run.save(row, after: epoch)
        try epochEnded()
        stage.tell(.epoch(EpochSummary(epoch, epochs: settings.epochs, tests: nil)))
        if isEnough(epoch) { throw TrainedEnough() }
      }
    } catch is TrainedEnough {}
    try run.finish()
    if let stopped { throw DefenceStopped(position: stopped, isSaved: keepsState) }
    return frame
  }

  /// How many batches of drawn images there are.
  package struct DrawnBatches {
    /// In all.
    package var all: Int
    /// From one row and checkpoint to the next.
    package var perEpoch: Int

    var epochs: Int { (all + perEpoch - 1) / perEpoch }
  }

  /// What ends a training before its last epoch.
  private struct TrainedEnough: Error {}

  /// The share of `images` that `network` classifies as their label, on all ranks alike.
  package func accuracy(of network: Network, on images: LabeledImages) throws -> Double {
    let result = try evaluator(network).run(images, originalLabels: images.labels)
    return Double(result.matches) / Double(max(result.total, 1))
  }

  /// The same with the mean losses.
  func results(of network: Network) throws -> TestResults { try evaluator(network).run(sets) }

  /// Says, where they were given, which settings of training a step of several passes leaves aside.
  package func tellOfPlainPasses() {
    var unused: [String] = []
    if shared.accumulationSteps != 1 { unused.append("accumulation_steps") }
    if shared.compression != .none { unused.append("compress") }
    guard !unused.isEmpty else { return }
    stage.tell(
      .warning("no effect on \(configuration.name): \(unused.joined(separator: ", "))"))
  }

  /// What classifies images with `network`.
  func evaluator(_ network: Network) -> Evaluator {
    Evaluator(
      model: network, batchSize: batchSize, normalization: normalization,
      communicator: communicator, context: context, observer: stage.observer,
      name: "the model defended by \(configuration.name)")
  }

  /// A second network with the attacked one's parameters.
  package func copyOfNetwork() -> Network { attacked.copy().model }

  private var checkpoints: CheckpointFolder {
    CheckpointFolder(path: shared.defenseFolder, keep: shared.keepCheckpoints)
  }
}
