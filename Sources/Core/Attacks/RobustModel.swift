import Distributed

/// How the model is trained that lc's images are to fool.
struct RobustSettings: Equatable, Sendable {
  /// Epochs of training.
  var epochs = 10
  /// Steps by which each batch is moved first; one goes a little further than may be, and is brought
  /// back.
  var steps = 1
  /// How far, in grey levels.
  var distance = 8.0
}

/// A classifier's step on images that are moved first to where it takes them for something else, from
/// a random start (Madry et al., 2018; of one step Wong, Rice and Kolter, Fast is better than free,
/// ICLR 2020).
///
/// Its inputs are the images themselves, 0...1.
final class AdversarialStep: SurroundingStep {
  package let base: ClassifierStep
  private let attack: ProjectedGradient
  private let steps: Int

  init(_ base: ClassifierStep, _ settings: RobustSettings, normalization: Normalization) {
    (self.base, steps) = (base, settings.steps)
    let distance = Float(settings.distance / 255)
    // Running statistics are taken as they are, so that no rank waits for others in here.
    let context = ComputeContext(sharing: base.context, batchNormGroup: nil)
    attack = ProjectedGradient(
      PixelModel(base.classifier, normalization: normalization, context: context),
      distance: distance, step: settings.steps == 1 ? 1.25 * distance : distance / 4)
  }

  func run(_ batch: Batch, at moment: Moment) throws -> StepOutcome {
    try base.settle()
    if batch.count > 0 { timer.measure(.forward) { move(batch, at: moment) } }
    return try base.run(batch, at: moment)
  }

  private func move(_ batch: Batch, at moment: Moment) {
    let images = Tensor(classifier.inputShape.withBatch(batch.count), in: batch.images)
    let originals = Tensor(images.shape)
    originals.pointer.update(from: images.pointer, count: images.shape.count)
    let size = images.shape.withBatch(1).count
    for (slot, index) in batch.indices.enumerated() {
      var stream = RandomStream(
        seed: moment.seed, purpose: .adversarial, epoch: moment.epoch, index: index)
      for place in slot * size..<(slot + 1) * size {
        let start = images.pointer[place] + (2 * stream.nextFloat() - 1) * attack.distance
        images.pointer[place] = min(max(start, 0), 1)
      }
    }
    for _ in 0..<steps { attack.move(images, from: originals, labels: batch.labels) }
  }
}

extension AttackStage {
  /// The archive of a model that was trained on moved images: a short training in a folder of its own
  /// that every such run of these settings shares.
  func robustModel(_ settings: RobustSettings) throws -> String {
    let robust = configuration.robustModel(settings)
    stage.tell(
      .message(
        "\(configuration.attack.rawValue) needs a model trained on moved images: training it in "
          + "\(robust.folder) (or give --robust_model_path)"))
    let outcome = try BackdoorAttack(
      robust, dataset: DatasetPair(train: dataset.train, test: dataset.test), stage: stage
    ) { stage in
      var preparation = try stage.preparation(trigger: NoTrigger())
      preparation.phase = "robust model"
      preparation.step = { AdversarialStep($0, settings, normalization: stage.normalization) }
      return preparation
    }.train(by: robust.settings.chosen, since: .now)
    if outcome.stopped != nil { throw PreparationStopped(outcome: outcome) }
    return "\(robust.folder)/attack_result.pt"
  }
}

extension AttackConfiguration {
  /// The training of the model that lc's images are to fool: as the clean model's, but short, and on
  /// pixels that are only divided by 255.
  fileprivate func robustModel(_ settings: RobustSettings) -> AttackConfiguration {
    var robust = cleanModel
    (robust.epochs, robust.schedule, robust.cosineEpochs) = (settings.epochs, .cosine, nil)
    (robust.pixelStatistics.mean, robust.pixelStatistics.deviation) = ([0, 0, 0], [1, 1, 1])
    robust.saveFolderName =
      "\(dataset)/robust/width_\(width)-archi_\(model.rawValue)-epochs_\(settings.epochs)"
      + "-steps_\(settings.steps)-eps_\(settings.distance.pythonRepr)"
    robust.noteArguments()
    return robust
  }
}
