import Foundation

/// Where an archive lies, and which files around it are of the same run.
///
/// An attack's archive is `<run>/attack_result.pt` and its images and arguments lie beside it; a
/// defence's is `<run>/defense/<mode>/<file>`. A file of another name beside an `attack_result.pt`
/// shares its folder with a run that need not be its own.
struct ArchivePlace {
  /// The archive's file.
  let path: String
  /// The folder that it is in; `.` for a bare name.
  let folder: String
  /// The name of the archive's file.
  let name: String

  /// The name of an attack's archive.
  static let attackName = "attack_result.pt"

  init(_ path: String) {
    self.path = path
    folder = PathText.folder(of: path)
    name = PathText.name(of: path)
  }

  /// The run's folder of a file in `<run>/defense/<mode>/`, also where the path is short for that,
  /// such as `./defense_result.pt`; nil elsewhere.
  var runOfDefense: String? {
    for place in [folder, PathText.resolved(folder)] {
      let defense = PathText.folder(of: place)
      if PathText.name(of: defense) == "defense" { return PathText.folder(of: defense) }
    }
    return nil
  }

  /// The folder whose images and arguments belong to an archive that describes itself; nil where
  /// they are those of an `attack_result.pt` beside it.
  var runFolder: String? {
    let neighbour = "\(folder)/\(Self.attackName)"
    return name == Self.attackName || !FileManager.default.fileExists(atPath: neighbour)
      ? folder : nil
  }

  /// The archive that describes this one where it does not do so itself, if there is one: a
  /// defence's is that of the attack, and the last resort is an `attack_result.pt` beside it.
  var describingArchive: String? {
    let found: String
    if let run = runOfDefense {
      found = "\(run)/\(tunedArchive ?? Self.attackName)"
    } else {
      found = "\(folder)/\(Self.attackName)"
    }
    return name == Self.attackName || !FileManager.default.fileExists(atPath: found) ? nil : found
  }

  /// The name of the file that this program's own defence was of, where `--result` gave one.
  private var tunedArchive: String? {
    let place = "\(folder)/info.pickle"
    guard FileManager.default.fileExists(atPath: place),
      let arguments = try? InfoFile.read(path: place),
      let result = arguments.last(where: { $0.key.text == "result" })?.value.text,
      Self.isArchive(result)
    else { return nil }
    return PathText.name(of: result)
  }

  /// The archive of the run or the defence whose folder `path` is, or `path` itself where it is no
  /// folder of either.
  static func archive(at path: String) -> String {
    [attackName, "defense_result.pt"].map { PathText.join(path, $0) }
      .first { FileManager.default.fileExists(atPath: $0) } ?? path
  }

  /// Whether `path` names a file by its ending, rather than a run's folder.
  static func isArchive(_ path: String) -> Bool {
    [".pt", ".pth", ".th", ".t7", ".pkl", ".bin", ".ckpt", ".tar", ".safetensors"]
      .contains { path.hasSuffix($0) }
  }
}
