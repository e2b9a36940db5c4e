import Distributed
import Foundation

/// A page of one run, of several, or of a sweep: `fst report`.
///
/// Rank 0 reads the folders and writes; all ranks ask the models together.
public struct RunReport {
  private let configuration: ReportConfiguration
  private let communicator: any Communicator
  private let observer: any TrainingObserver

  /// What was written.
  public struct Outcome: Sendable {
    /// The page's file.
    public var path: String
    /// Its size in bytes.
    public var bytes: Int
  }

  /// A report as `configuration` says, told of to `observer` on rank 0.
  public init(
    _ configuration: ReportConfiguration, communicator: any Communicator,
    observer: any TrainingObserver
  ) {
    self.configuration = configuration
    self.communicator = communicator
    self.observer = observer
  }

  /// Writes the page; throws one-line errors, `SharedFailure` where all ranks know of it.
  public func run() throws -> Outcome {
    try communicator.requireSameStart(settings: configuration.sharedSettings)
    let subjects = try communicator.fromRankZero { try configuration.runs.map(ReportSubject.init) }
    let path = configuration.output ?? Self.usualPlace(subjects)
    try communicator.onRankZero { try FeatureSheetError.requirePlace(path) }
    var contents: [PageContent] = []
    for subject in subjects { contents.append(try content(of: subject)) }
    var outcome = Outcome(path: path, bytes: 0)
    try communicator.onRankZero {
      let html = PageComposer(contents).page.html
      try AtomicFile.write(html, to: path)
      outcome.bytes = html.utf8.count
    }
    return outcome
  }

  /// report.html in the one folder that there is, else in the working folder.
  private static func usualPlace(_ subjects: [ReportSubject]) -> String {
    subjects.count == 1
      ? PathText.join(subjects[0].folder, PageComposer.fileName) : PageComposer.fileName
  }

  private func content(of subject: ReportSubject) throws -> PageContent {
    guard case .sweep(let folder) = subject else { return .run(try parts(of: subject)) }
    return try .sweep(communicator.rank == 0 ? SweepFiles(folder: folder) : nil)
  }

  private func parts(of subject: ReportSubject) throws -> RunParts {
    var parts = RunParts(run: RunFiles(of: subject))
    let run = parts.run
    guard configuration.asksModels else {
      parts.testImages = quickImages(run)
      parts.whyNotAsked = "No model was asked, as --no_features says: no confusions, no features."
      return parts
    }
    let look = try RunLook(
      of: run, configuration, communicator: communicator, observer: observer)
    parts.look = look
    parts.testImages = look.testImages ?? quickImages(run)
    return parts
  }

  private func quickImages(_ run: RunFiles) -> LabeledImages? {
    communicator.rank == 0
      ? TestImages.quick(of: run, path: configuration.evaluation.datasetPath) : nil
  }
}

extension RunFiles {
  /// The files of a run, or of one defence of it alone.
  init(of subject: ReportSubject) {
    switch subject {
    case .run(let folder), .sweep(let folder): self.init(folder: folder)
    case .defence(let run, let folder):
      self = RunFiles(folder: run).about(defence: folder)
    }
  }
}

/// The page that a run leaves in its own folder at the end: its files alone, no model is asked.
public enum AutomaticReport {
  /// Writes report.html into `folder`, of an attack's run, a defence or a sweep; its path.
  ///
  /// Throws one-line errors; nothing is half-written then.
  public static func write(in folder: String) throws -> String {
    let path = PathText.join(folder, PageComposer.fileName)
    let subject = try ReportSubject(folder)
    let content: PageContent
    if case .sweep = subject {
      content = .sweep(try SweepFiles(folder: folder))
    } else {
      var parts = RunParts(run: RunFiles(of: subject))
      parts.testImages = TestImages.quick(of: parts.run, path: nil)
      parts.whyNotAsked =
        "fst report \(ShellWord.quoted(folder)) adds confusion matrices and features, for which it "
        + "asks the models."
      content = .run(parts)
    }
    try AtomicFile.write(PageComposer([content]).page.html, to: path)
    return path
  }
}

/// Clean test images that are at hand without decoding thousands of pictures.
enum TestImages {
  private static let quick = [
    DatasetKind.cifar10, .cifar100, .mnist, .synthetic,
  ].map(\.name)

  /// The test images of the dataset that `run` names, where it is one that is read in a moment and
  /// is found at `path`, else where the run found it.
  static func quick(of run: RunFiles, path: String?) -> LabeledImages? {
    guard let name = run.argument("dataset")?.plain, quick.contains(name) else { return nil }
    var side: Int?
    if case .integer(let value)? = run.argument("img_size") { side = value }
    let pair = try? DatasetLoader.load(
      name: name, path: path ?? run.argument("dataset_path")?.plain ?? "",
      size: side.map { ImageSize(side: $0) }, seed: AttackData.syntheticSeed, isTestOnly: true)
    return pair?.test
  }
}
