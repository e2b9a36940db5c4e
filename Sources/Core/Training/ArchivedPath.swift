import Foundation

/// Paths that an attack's archive keeps, of its dataset and its images, and how they are found
/// again.
enum ArchivedPath {
  /// `path` without what it tells of this machine: from the working folder on where it lies below
  /// that, else from the first folder whose name contains `keyword` on, else its last part alone.
  ///
  /// The original tools look for these words too: they take the dataset's path from `data` on and
  /// the archive's own up to `record`. What was given as a relative path stays as it is.
  static func relative(_ path: String, from keyword: String) -> String {
    guard path.hasPrefix("/") else { return path }
    let parts = parts(of: URL(fileURLWithPath: path).standardizedFileURL.path)
    let here = self.parts(of: FileManager.default.currentDirectoryPath)
    let kept: ArraySlice<Substring>
    if !here.isEmpty, parts.count > here.count, parts.starts(with: here) {
      kept = parts.dropFirst(here.count)
    } else if let start = parts.firstIndex(where: { $0.contains(keyword) }) {
      kept = parts[start...]
    } else {
      kept = parts.suffix(1)
    }
    return kept.joined(separator: "/")
  }

  /// Where the dataset is that `archive` calls `archived`; nil where it is not found.
  ///
  /// Looked at are an absolute path itself, the originals' place for it (the archive's path up to
  /// `record`, then the dataset's from `data` on), the same path from every folder above the
  /// archive and from the working folder, and the folder that the run's own arguments name.
  static func findData(_ archived: String, archive: String) -> String? {
    let folder = PathText.folder(of: URL(fileURLWithPath: archive).standardizedFileURL.path)
    var places: [String] = []
    if !archived.isEmpty {
      if archived.hasPrefix("/") { places.append(archived) }
      if let record = folder.range(of: "record"), let data = archived.range(of: "data") {
        places.append(String(folder[..<record.lowerBound] + archived[data.lowerBound...]))
      }
      if !archived.hasPrefix("/") {
        let parts = parts(of: folder)
        places += (0...parts.count).reversed().map {
          "/" + (parts.prefix($0) + [Substring(archived)]).joined(separator: "/")
        }
        places.append(archived)
      }
    }
    if let given = try? InfoFile.read(path: "\(folder)/info.pickle") {
      places += given.compactMap { $0.key.text == "dataset_path" ? $0.value.text : nil }.reversed()
    }
    return places.first { FileManager.default.fileExists(atPath: $0) }
  }

  private static func parts(of path: String) -> [Substring] { path.split(separator: "/") }
}
