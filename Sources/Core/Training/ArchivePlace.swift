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
    folder = Self.parent(of: path)
    name = path.split(separator: "/").last.map(String.init) ?? path
  }

  /// The run's folder of a file in `<run>/defense/<mode>/`; nil elsewhere.
  var runOfDefense: String? {
    let defense = Self.parent(of: folder)
    guard defense.split(separator: "/").last == "defense" else { return nil }
    return Self.parent(of: defense)
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
      TuneConfiguration.isArchive(result)
    else { return nil }
    return result.split(separator: "/").last.map(String.init)
  }

  /// The folder that holds `path`, as far as its text says.
  private static func parent(of path: String) -> String {
    let parts = path.split(separator: "/")
    guard parts.count > 1 else { return path.hasPrefix("/") ? "/" : "." }
    return (path.hasPrefix("/") ? "/" : "") + parts.dropLast().joined(separator: "/")
  }
}
