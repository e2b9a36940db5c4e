import Foundation

/// Where a file of JSON is to be written or to go on.
enum JSONPlace {
  /// Throws `OccupiedPlace` where a file of something else stands at `path`, which would be lost.
  static func require(_ path: String) throws {
    guard let file = try? RegularFile.open(path) else { return }
    defer { close(file.descriptor) }
    var first: UInt8 = 0
    guard file.size > 0, read(file.descriptor, &first, 1) == 1 else { return }
    guard first == UInt8(ascii: "{") else { throw OccupiedPlace(path: path) }
  }
}

/// A file in the place of one that is about to be written, and not one of its kind.
struct OccupiedPlace: Error, Equatable, CustomStringConvertible {
  /// The place.
  let path: String

  /// One line: the place, what was expected and found, what to do.
  var description: String {
    "\(path.quoted()): expected no file or an earlier one of JSON, found another, which would be "
      + "lost; name another place"
  }
}
