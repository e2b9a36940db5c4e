import Distributed
import Foundation

/// qra: learns noise that brings the backdoor back in the purified model, but not in a clean one.
///
/// Min et al., Uncovering, Explaining, and Mitigating the Superficial Safety of Backdoor Defense,
/// NeurIPS 2024. The noise is learnt on clean and triggered training images with their true classes;
/// what ra has made of the purified model says how a model with the backdoor answers. The step is
/// `ReactivationStep`. What is reported as after is the purified model on the noisy test images.
package struct QueryReactivation: Defence {
  package static let name = "qra"
  package static let summary =
    "query-based reactivation attack: noise that brings back a backdoor that was only hidden"
  package static let testsDefences = true

  /// What is tested, and where.
  var start = DefenceStart()
  /// The archive that ra has left; nil is `relearn_result.pt` beside the tested one.
  var retunedPath: String?
  /// The archive of a clean model; nil is the clean run's of the same settings.
  var cleanModelPath: String?
  /// The largest change of a pixel value, of 0...1.
  package var strength = 16.0 / 255
  /// The weight of the divergence.
  package var weight = 0.2
  /// Clean and triggered images that the noise is learnt on.
  var cleanCount = 500, triggeredCount = 500

  package init() {}

  package static let fields: [ConfigField<Self>] =
    DefenceStart.fields.map { $0.within(\.start) } + [
      .text("relearned_path", \.retunedPath, "an archive").role(.output).help(
        "What ra has made of the tested model (default: relearn_result.pt beside it)", "file",
        in: .attack),
      .text("clean_model_path", \.cleanModelPath, "an archive").role(.output).help(
        "A clean model (default: badnet's run with --pratio 0 in --record)", "file", in: .attack),
      .number("eps", \.strength, .share).help(
        "The largest change of a pixel value, as a share of 255", "share", in: .attack),
      .number("alpha_qra", \.weight, .nonNegative).help(
        "The weight of answering as the retuned model does", "factor", in: .attack),
      .integer("clean_num_qra", \.cleanCount, 0...countLimit).help(
        "Clean images that the noise is learnt on", "n", in: .attack),
      .integer("poison_num_qra", \.triggeredCount, 0...countLimit).help(
        "Triggered ones", "n", in: .attack),
    ]

  package static func adjust(_ settings: inout DefendConfiguration) {
    (settings.shared.splitRatio, settings.shared.batchSize) = (0.02, 128)
    (settings.shared.epochs, settings.shared.learningRate) = (50, 0.1)
    (settings.shared.weightDecay, settings.shared.schedule) = (0, .constant)
  }

  package func place(_ settings: inout DefendConfiguration) throws {
    try start.place(&settings, method: Self.name, result: "\(Self.name)_noise.pt")
  }

  package func requireFiles(_ settings: TuneConfiguration) throws {
    try OtherModelMissing.require(
      retunedPath(settings), "the model that `fst defend ra` with --save leaves there",
      key: "relearned_path")
    try OtherModelMissing.require(
      cleanPath(settings),
      "a clean model of the dataset and network, as `fst attack badnet --pratio 0` trains it",
      key: "clean_model_path")
  }

  package func purify(_ stage: DefenceStage) throws -> Purified {
    stage.tellOfPlainPasses()
    let retuned = try stage.otherModel(at: retunedPath(stage.shared))
    let clean = try stage.otherModel(at: cleanPath(stage.shared))
    let noise = ReactivationNoise(
      images: stage.network.inputShape, strength: strength, normalization: stage.normalization,
      context: stage.context)
    Initializer.initialize(
      noise.generator.store, seed: stage.shared.randomSeed, purpose: .generator)
    let step = ReactivationStep(
      noise, purified: stage.network, retuned: retuned.model, clean: clean.model, weight: weight,
      optimizer: SGD(for: noise.generator.store, momentum: stage.shared.momentum, weightDecay: 0),
      communicator: stage.communicator, context: stage.context)
    let images = try self.images(stage)
    var purified = Purified()
    purified.tables = [
      ("qra_df.csv", try stage.train(step, on: images, augments: false, keepsState: false))
    ]
    purified.state = noise.generator.store.stateDict()
    let own = try stage.answers(of: stage.network, to: noise)
    let there = try stage.answers(of: clean.model, to: noise)
    purified.results = own.results
    purified.findings = [
      "with the noise \(own.words) in the purified model; in the clean one \(there.words)"
    ]
    return purified
  }

  /// The archive of what ra has made of the tested model.
  private func retunedPath(_ shared: TuneConfiguration) -> String {
    retunedPath ?? PathText.join(PathText.folder(of: shared.archivePath), "relearn_result.pt")
  }

  /// The archive of the clean model: the one given, or that of the clean run with the settings of
  /// `shared`, as the attack command names it.
  private func cleanPath(_ shared: TuneConfiguration) -> String {
    if let cleanModelPath { return cleanModelPath }
    let folder = RunFolderName.path(
      record: shared.record, dataset: shared.dataset, attack: AttackName.first.rawValue,
      poisonRatio: 0, attackTarget: shared.attackTarget, model: shared.model)
    return PathText.join(folder, "attack_result.pt")
  }

  /// Clean and triggered training images, all with their true classes; none of the target's among the
  /// triggered.
  private func images(_ stage: DefenceStage) throws -> LabeledImages {
    let all = try TriggeredTrainingImages(stage: stage).telling()
    guard all.images.count > 0 || triggeredCount == 0 else { throw TriggeredImagesError.none }
    let order = Permutation.of(
      count: all.images.count, seed: stage.shared.randomSeed, epoch: 0
    ).prefix(triggeredCount)
    let clean = stage.images.selecting(Array(0..<min(cleanCount, stage.images.count)))
    let triggered = all.images.selecting(Array(order))
    guard clean.count + triggered.count > 0 else { throw NoImagesToLearnOn() }
    return LabeledImages(
      pixels: clean.pixels + triggered.pixels,
      labels: clean.labels + order.map { all.originalLabels[$0] }, height: clean.height,
      width: clean.width, channels: clean.channels, classNames: clean.classNames)
  }
}

extension DefenceStage {
  /// The model of the archive at `path`.
  fileprivate func otherModel(at path: String) throws -> AttackedModel {
    try AttackedModel(
      AttackedArchive(path: path, communicator: communicator), for: images,
      communicator: communicator)
  }

  /// What `network` says of test images with `noise`.
  fileprivate func answers(
    of network: Network, to noise: ReactivationNoise
  ) throws -> NoisyAnswers {
    var evaluator = evaluator(network)
    evaluator.change = { noise.apply(to: $0, mode: .evaluating) }
    let labels = try communicator.together {
      try LabelTransform(
        shared.labelTransform, target: shared.attackTarget, classCount: sets.clean.classCount)
    }
    // Images of the target's own class belong there.
    let others = sets.clean.labels.indices.filter {
      labels(sets.clean.labels[$0]) != sets.clean.labels[$0]
    }
    var strays = sets.clean.selecting(others)
    let classes = strays.labels
    strays.labels = classes.map { labels($0) }
    let moved = try evaluator.run(strays, originalLabels: classes)
    return NoisyAnswers(
      results: try evaluator.run(sets), strays: Double(moved.matches) / Double(max(moved.total, 1)))
  }
}

/// What a network says of test images with noise.
private struct NoisyAnswers {
  /// The three rates.
  let results: TestResults
  /// The share of clean images of other classes that go where the attack wants.
  let strays: Double

  var words: String {
    let figure = BackdoorMetrics.figure
    let metrics = results.metrics
    return
      "\(figure(metrics.attackSuccessRate)) of the triggered and \(figure(strays)) of the clean "
      + "images go to the target, \(figure(metrics.cleanAccuracy)) of the clean ones to their class"
  }
}

/// A model that a test of a defence needs and that is not there.
struct OtherModelMissing: Error, Equatable, CustomStringConvertible {
  /// Where it should be.
  let path: String
  /// What it is.
  let model: String
  /// The key that names another place.
  let key: String

  /// Throws unless there is a file at `path`.
  static func require(_ path: String, _ model: String, key: String) throws {
    guard !FileManager.default.fileExists(atPath: path) else { return }
    throw OtherModelMissing(path: path, model: model, key: key)
  }

  /// One line: which file, what was expected.
  var description: String {
    "\(path): expected \(model), found none; --\(key) names another"
  }
}

/// Nothing that noise could be learnt on.
struct NoImagesToLearnOn: Error, Equatable, CustomStringConvertible {
  /// One line: what was expected and found.
  var description: String {
    "clean_num_qra, poison_num_qra: expected images to learn the noise on, found none"
  }
}
