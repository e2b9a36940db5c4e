import Foundation

/// The folders that rank 0 writes to.
enum RunFolder {
  /// Ending of the hidden folder that many files are written into, until they are all there.
  static let partialEnding = ".partial"
  /// Ending of the hidden folder that an earlier one is moved to.
  static let replacedEnding = ".replaced"

  /// Makes `path` and its parents where they are missing; throws `FileError`.
  static func create(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch let error as CocoaError {
      let code = (error.underlying as? POSIXError)?.code ?? .EACCES
      throw FileError(operation: "create the folder", path: path, code: code.rawValue)
    }
  }

  /// Removes what killed runs left of files and folders they were writing; see `AtomicFile`.
  static func removeTemporaryFiles(in path: String) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    let endings = [".tmp", partialEnding, replacedEnding]
    for name in names where name.hasPrefix(".") && endings.contains(where: name.hasSuffix) {
      try? FileManager.default.removeItem(atPath: "\(path)/\(name)")
    }
  }

  /// Moves what stands at `path` to a free name beside it, which is returned.
  static func moveAside(_ path: String) throws -> String {
    var number = 1
    while RegularFile.isTaken("\(path).earlier-\(number)") { number += 1 }
    let place = "\(path).earlier-\(number)"
    guard rename(path, place) == 0 else {
      throw FileError(operation: "move the earlier run to", path: place, code: errno)
    }
    return place
  }
}
