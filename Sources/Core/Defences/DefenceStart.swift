import Distributed
import Foundation

/// Where a test of a defence starts: at the model that the defence has left.
package struct DefenceStart: Equatable, Sendable {
  /// The folder's name below `defense`; nil where an archive is given.
  package var defence: String?
  /// The archive; nil is that folder's.
  package var path: String?

  /// Neither.
  package init() {}

  package static let fields: [ConfigField<Self>] = [
    .text("defense_type", \.defence, "a folder below defense/").help(
      "The defence whose result is tested: a folder below defense/, such as fst or anp", "name",
      in: .attack),
    .text("checkpoint_path", \.path, "an archive").role(.output).help(
      "The archive that is tested (default: defense_result.pt of --defense_type)", "file",
      in: .attack),
  ]

  /// Sets where `method` starts, and that its model is saved as `result` beside that archive, its
  /// tables in a folder of its own there.
  func place(
    _ settings: inout DefendConfiguration, method: String, result: String
  ) throws {
    let folder: String
    if let path {
      (settings.shared.startPath, folder) = (path, PathText.folder(of: path))
    } else if let defence {
      folder = "\(settings.shared.folder)/defense/\(defence)"
      settings.shared.startPath = "\(folder)/defense_result.pt"
    } else {
      throw ConfigError.missing(
        key: "defense_type", expected: "a folder below defense/, such as fst")
    }
    settings.shared.defensePath = "\(folder)/\(method)"
    settings.savedPath = "\(folder)/\(result)"
  }
}

/// Why a test of a defence cannot start.
enum DefenceStartError: Error, Equatable, CustomStringConvertible {
  /// The defence's result is not there.
  case missing(path: String)

  /// Throws where the model that is to be tested is not there; nil is the attack's own.
  static func requireStart(_ path: String?) throws {
    guard let path, !FileManager.default.fileExists(atPath: path) else { return }
    throw missing(path: path)
  }

  /// One line: which file, what was expected.
  var description: String {
    switch self {
    case .missing(let path):
      "\(path): expected the result of a defence, found none; run `fst defend` or `fst tune` with "
        + "--save first, or name it by --checkpoint_path"
    }
  }
}
