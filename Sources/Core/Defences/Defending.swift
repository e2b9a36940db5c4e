import Distributed
import Foundation

/// The run of a defence on an attack's result, which all ranks do together.
///
/// It is what all defences share.
public struct Defending {
  private var configuration: DefendConfiguration
  private let stage: Stage

  /// A run as `configuration` says, told of to `observer` on rank 0.
  public init(
    _ configuration: DefendConfiguration, communicator: any Communicator,
    observer: any TrainingObserver, interruption: Interruption
  ) {
    self.configuration = configuration
    stage = Stage(communicator: communicator, observer: observer, interruption: interruption)
  }

  private var communicator: any Communicator { stage.communicator }
  private var shared: TuneConfiguration { configuration.shared }

  /// Defends the model; throws one-line errors, `SharedFailure` where all ranks know of it.
  ///
  /// Several defences of one archive may share its `subject`; nil reads the archive anew.
  public func run(on subject: TuningSubject? = nil) throws -> TuneOutcome {
    try run(by: configuration.chosen, on: subject)
  }

  /// The same by a defence that need not be in the list.
  package func run(
    by defence: any Defence, on subject: TuningSubject? = nil
  ) throws -> TuneOutcome {
    try stage.log.keep(settings: shared.settingLines) {
      let start = ContinuousClock.now
      try communicator.requireSameStart(settings: configuration.sharedSettings)
      try communicator.onRankZero { try DefenceStartError.requireStart(shared.startPath) }
      let subject =
        try subject
        ?? TuningSubject(shared, communicator: communicator, observer: stage.observer)
      var completed = self
      completed.configuration.shared = shared.completed(by: subject.attacked.description)
      var outcome = try completed.defend(subject, by: defence)
      outcome.seconds = (ContinuousClock.now - start).seconds
      return outcome
    }
  }

  private func defend(
    _ subject: TuningSubject, by defence: any Defence
  ) throws -> TuneOutcome {
    let decides = type(of: defence).decides
    try communicator.onRankZero { try defence.requireFiles(shared) }
    let (images, heldOut) = try cleanImages(of: subject, decides: decides)
    let attacked = subject.attacked.copy()
    let identity = configuration.identity(
      worldSize: communicator.worldSize, data: images, model: attacked.model.store)
    let claim = try claimFolder(identity)
    defer { claim?.lock.release() }
    let context = shared.makeContext(communicator)
    try stage.log.noteRanks(threads: context.threads)
    announce(images, heldOut, decides: decides)
    let before = try subject.metrics(
      batchSize: batchSize, context: context, communicator: communicator,
      observer: stage.observer)
    stage.tell(.measured(before, .before))
    let place = DefenceStage(
      configuration: configuration, attacked: attacked, images: images, heldOut: heldOut,
      sets: subject.sets, stage: stage, context: context, identity: identity, claim: claim)
    var outcome = TuneOutcome(
      folder: shared.save ? shared.defenseFolder : nil, before: before, after: BackdoorMetrics(),
      isResumable: false, seconds: 0, timings: [])
    do {
      let purified = try defence.purify(place)
      for (name, image) in purified.pictures {
        stage.tell(.picture(RunPicture(name: name, epoch: 0) { image }))
      }
      purified.findings.forEach { stage.tell(.message($0)) }
      try ReplicaWatch(attacked.model.store, communicator: communicator).verify("at the end")
      let tests = try purified.results ?? place.results(of: attacked.model)
      (outcome.after, outcome.model) = (tests.metrics, attacked.model.store.fingerprint)
      stage.tell(.measured(tests.metrics, .after))
      if shared.save { try communicator.onRankZero { try save(attacked, purified, tests) } }
    } catch let stopped as DefenceStopped {
      outcome.stopped = stopped.position
      outcome.isResumable = shared.save && stopped.isSaved
    }
    return outcome
  }

  private var batchSize: Int { shared.globalBatchSize(worldSize: communicator.worldSize) }

  /// The clean subset as the originals draw it, and the fifth of it by which is decided.
  private func cleanImages(
    of subject: TuningSubject, decides: Bool
  ) throws -> (images: LabeledImages, heldOut: LabeledImages) {
    let train = subject.dataset.train
    let images = train.selecting(
      try shared.tuningIndices(
        labels: train.labels, classCount: train.classCount, communicator: communicator))
    try communicator.requireAgreement(
      onEach: [("clean images", images.checksum)] + subject.sets.checksums)
    // A defence that decides nothing has no use for held-out images; it says so by its key.
    guard configuration.selection == .heldOut, decides else {
      return (images, train.selecting([]))
    }
    let count = images.count / 5
    guard count > 0 else { throw TooFewToHoldOut(key: "split_ratio", found: images.count) }
    let own = Array(0..<images.count - count)
    return (images.selecting(own), images.selecting(Array(own.count..<images.count)))
  }

  private func claimFolder(_ identity: RunIdentity) throws -> RunClaim? {
    guard shared.save else { return nil }
    return try stage.claim(
      CheckpointFolder(path: shared.defenseFolder, keep: shared.keepCheckpoints),
      resume: shared.resume, identity: identity, columns: AttackDataFrame.fineTuningColumns,
      isInWay: FileManager.default.fileExists(atPath: resultPath))
  }

  private var resultPath: String { configuration.resultPath }

  private func announce(_ images: LabeledImages, _ heldOut: LabeledImages, decides: Bool) {
    let rest = heldOut.count == 0 ? "" : ", \(heldOut.count) held out to decide by"
    stage.tell(.message("\(configuration.name) on \(images.count) clean images\(rest)"))
    if decides && configuration.selection == .benchmark {
      stage.tell(
        .warning("--selection benchmark decides by the test set's rates, triggers included"))
    }
    if let line = shared.pixelStatistics.assumption(of: shared.dataset) {
      stage.tell(.message(line))
    }
  }

  private func save(
    _ attacked: AttackedModel, _ purified: Purified, _ tests: TestResults
  ) throws {
    let folder = shared.defenseFolder
    try InfoFile.write(
      shared.arguments.map { .init($0.key, $0.value.archived) }, to: "\(folder)/info.pickle")
    for (name, frame) in purified.tables {
      guard name.hasSuffix("_df.csv") else {
        try frame.write(to: "\(folder)/\(name)")
        continue
      }
      let frame = frame.endingFineTuning(tests)
      try frame.write(to: "\(folder)/\(name)")
      try frame.writeSummary(to: "\(folder)/\(name.dropLast(4))_summary.csv")
    }
    for (name, image) in purified.pictures {
      try ImageFile.writePNGAtomically(image, to: "\(folder)/\(name)")
    }
    try DefenseResult(
      model: purified.state ?? attacked.stateDict, modelName: attacked.description.archivedName,
      numClasses: attacked.description.classCount
    ).write(to: resultPath, form: shared.defenseForm == .bare ? .bare : .dictionary)
    CheckpointFolder(path: folder, keep: shared.keepCheckpoints).prune(to: 0)
  }
}

/// Too few clean images to hold a fifth of them out.
struct TooFewToHoldOut: Error, Equatable, CustomStringConvertible {
  /// The setting that asks for held-out images.
  let key: String
  /// How many images there are.
  let found: Int

  /// One line: what was expected and found.
  var description: String {
    "\(key): expected at least 5 clean images, to hold a fifth out, found \(found)"
  }
}

extension TuneConfiguration {
  /// The positions of the clean images among those with `labels`: as `index` names them, or drawn as
  /// the originals draw them.
  ///
  /// Rank 0 reads the file. Throws one-line errors, `SharedFailure` where all ranks know of it.
  func tuningIndices(
    labels: [Int], classCount: Int, communicator: any Communicator
  ) throws -> [Int] {
    if let indexPath {
      return try communicator.fromRankZero {
        try TuningSet.read(indexPath, count: labels.count)
      }
    }
    let indices = TuningSet.indices(
      tuningSplit, labels: labels, classCount: classCount, ratio: splitRatio,
      seed: Int(randomSeed)
    ).tuning
    guard !indices.isEmpty else {
      throw TuningSetError(ratio: splitRatio, isHeldOut: tuningSplit == .heldOut)
    }
    return indices
  }
}
