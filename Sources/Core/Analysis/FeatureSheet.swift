import Distributed
import Foundation

/// Features before the head of one or several archives as one picture: `fst tsne`.
///
/// All ranks classify the test sets together, of which the chosen images' features are kept. Rank 0
/// embeds them, draws the sheet and writes it.
public struct FeatureSheet {
  private let configuration: FeatureSheetConfiguration
  private let communicator: any Communicator
  private let observer: any TrainingObserver

  /// A sheet as `configuration` says, told of to `observer` on rank 0.
  public init(
    _ configuration: FeatureSheetConfiguration, communicator: any Communicator,
    observer: any TrainingObserver
  ) {
    self.configuration = configuration
    self.communicator = communicator
    self.observer = observer
  }

  /// Makes the sheet; its panels on rank 0, none elsewhere.
  ///
  /// Throws one-line errors, `SharedFailure` where all ranks know of it; then no file was written.
  public func run() throws -> [FeaturePanel] {
    try communicator.requireSameStart(settings: configuration.sharedSettings)
    try communicator.onRankZero { try FeatureSheetError.requirePlace(configuration.output) }
    var panels: [FeaturePanel] = []
    var classNames: [String]?
    for archive in configuration.archives {
      say("\(archive)")
      let features = try features(of: archive)
      try communicator.together {
        try FeatureSheetError.requireSameClasses(
          classNames ?? features.classNames, features.classNames, archive: archive,
          first: configuration.archives[0])
      }
      classNames = features.classNames
      try communicator.onRankZero { panels.append(try embedded(features, archive: archive)) }
    }
    try communicator.onRankZero {
      let layout = SheetLayout(panels, classNames: classNames ?? [], configuration: configuration)
      try write(layout.drawing)
    }
    return panels
  }

  /// Classifies both test sets of `archive` and keeps the features of the chosen images.
  private func features(of archive: String) throws -> PanelFeatures {
    let prepared = try Evaluation(
      configuration.evaluation(of: archive), communicator: communicator, observer: observer
    ).prepare()
    let (test, sets) = (prepared.test, prepared.sets)
    let dimensions = prepared.attacked.model.head.inputs
    let seed = configuration.randomSeed
    let chosen = PointChoice.clean(
      labels: test.labels, classCount: test.classCount, perClass: configuration.pointsPerClass,
      seed: seed)
    let chosenTriggered = PointChoice.triggered(
      originalIndices: prepared.triggered?.originalIndices ?? [], testCount: test.count,
      count: configuration.triggeredPoints, seed: seed)
    try communicator.together {
      try requireEnough(points: chosen.count + chosenTriggered.count)
    }
    let clean = FeatureCollector(indices: chosen, dimensions: dimensions)
    let triggered = FeatureCollector(indices: chosenTriggered, dimensions: dimensions)
    let results = try prepared.evaluator.run(
      sets, cleanFeatures: clean, triggeredFeatures: triggered)
    let known = prepared.attacked.description
    let description = try communicator.fromRankZero {
      RunDescription(
        archive: archive, isForeign: known.runFolder == nil && known.hasTriggeredImages)
    }
    return PanelFeatures(
      description: description, modelName: prepared.attacked.description.modelName,
      width: prepared.attacked.description.width, classNames: test.classNames,
      metrics: results.metrics, target: prepared.triggered == nil ? nil : prepared.labels.target,
      labels: chosen.map { test.labels[$0] }, clean: clean.features,
      triggered: triggered.features)
  }

  /// Throws where so few points cannot have the perplexity, before time is spent on their features.
  private func requireEnough(points count: Int) throws {
    let perplexity = configuration.perplexity
    guard perplexity < Double(count) else {
      throw EmbeddingError.perplexity(perplexity, points: count)
    }
  }

  private func embedded(_ panel: PanelFeatures, archive: String) throws -> FeaturePanel {
    let points = panel.clean.joined(with: panel.triggered)
    let context = ComputeContext(
      threads: ThreadCount.resolve(requested: configuration.evaluation.threads))
    let embedding = try TSNE(configuration.embedding).embed(points, context: context) {
      observer.observe(.embedding(done: $0.iteration, total: $0.of))
    }
    let neighbours = FeaturePanel.trustworthinessNeighbours
    let trustworthiness =
      2 * neighbours < points.rows
      ? try Trustworthiness.of(
        points, embedding: embedding.positions, neighbours: neighbours, context: context) : nil
    let figures = panel.target.flatMap { target in
      FeatureFigures(
        triggered: panel.triggered,
        target: panel.clean.selecting(panel.labels.indices.filter { panel.labels[$0] == target }),
        clean: panel.clean)
    }
    return FeaturePanel(
      archive: archive, description: panel.description, modelName: panel.modelName,
      width: panel.width, metrics: panel.metrics, target: panel.target, labels: panel.labels,
      triggeredCount: panel.triggered.rows, figures: figures, positions: embedding.positions,
      klDivergence: embedding.klDivergence, trustworthiness: trustworthiness)
  }

  private func write(_ drawing: Drawing) throws {
    let path = configuration.output
    let bytes =
      path.lowercased().hasSuffix(".png")
      ? try RasterFile.png(drawing, path: path) : Array(SVGFile.text(drawing).utf8)
    try AtomicFile.write(to: path) { try $0.write(bytes) }
  }

  private func say(_ line: String) {
    if communicator.rank == 0 { observer.observe(.message(line)) }
  }
}

/// Why a sheet cannot be made.
public enum FeatureSheetError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The picture's folder is not there.
  case noFolder(path: String)
  /// The picture's place is a folder's.
  case isFolder(path: String)
  /// Archives of datasets with different classes.
  case classes(archive: String, first: String)

  /// One line: what is wrong, where, what would be right.
  public var description: String {
    switch self {
    case .noFolder(let path): "\(path): expected a file in a folder that exists"
    case .isFolder(let path): "\(path): expected the name of a file, found a folder"
    case .classes(let archive, let first):
      "\(archive): its dataset has other classes than that of \(first); "
        + "archives on one sheet share their dataset"
    }
  }

  /// Throws where a file at `path` could not be written anyway, before minutes are spent on it.
  static func requirePlace(_ path: String) throws {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(
      atPath: PathText.folder(of: path), isDirectory: &isFolder)
    guard exists, isFolder.boolValue else { throw Self.noFolder(path: path) }
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      throw Self.isFolder(path: path)
    }
  }

  static func requireSameClasses(
    _ expected: [String], _ found: [String], archive: String, first: String
  ) throws {
    guard expected == found else { throw Self.classes(archive: archive, first: first) }
  }
}

extension FeatureSheetConfiguration {
  /// What the embedding is given.
  var embedding: TSNE.Settings {
    var settings = TSNE.Settings()
    settings.perplexity = perplexity
    settings.maxIterations = iterations
    settings.learningRate = learningRate
    settings.earlyExaggeration = earlyExaggeration
    settings.seed = randomSeed
    return settings
  }
}
