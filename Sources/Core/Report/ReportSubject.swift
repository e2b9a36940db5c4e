import Foundation

/// What a folder that a report is of holds.
enum ReportSubject: Equatable, Codable {
  /// An attack's run with all that lies beneath it.
  case run(String)
  /// One tuning or defence of the run in the first folder.
  case defence(run: String, folder: String)
  /// A sweep's results.
  case sweep(String)

  /// What lies at `path`, a folder or an archive in it; throws `ReportError`.
  init(_ path: String) throws {
    let folder = Self.isFolder(path) ? path : PathText.folder(of: path)
    let has = { (name: String) in
      FileManager.default.fileExists(atPath: PathText.join(folder, name))
    }
    let parent = PathText.folder(of: PathText.resolved(folder))
    if !FileManager.default.fileExists(atPath: path) {
      throw ReportError.missing(path)
    } else if has("results.csv") {
      self = .sweep(folder)
    } else if PathText.name(of: parent) == "defense" {
      self = .defence(run: PathText.folder(of: parent), folder: folder)
    } else if ["attack_result.pt", "attack_df.csv", "info.pickle"].contains(where: has) {
      self = .run(folder)
    } else {
      throw ReportError.notARun(path)
    }
  }

  /// The folder itself.
  var folder: String {
    switch self {
    case .run(let folder), .defence(_, let folder), .sweep(let folder): folder
    }
  }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }
}

/// Why there is no report.
public enum ReportError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Nothing is there.
  case missing(String)
  /// What is there is no run.
  case notARun(String)

  /// One line: where, what was expected and found.
  public var description: String {
    switch self {
    case .missing(let path):
      "\(path): expected the folder of a run, of a defence or of a sweep, found nothing"
    case .notARun(let path):
      "\(path): expected the folder of a run, of a defence or of a sweep, found none of "
        + "attack_result.pt, attack_df.csv, info.pickle and results.csv"
    }
  }
}
