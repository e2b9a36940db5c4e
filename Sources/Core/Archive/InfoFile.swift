/// An `info.pickle`: the arguments of a run, in their order, as plain values.
public enum InfoFile {
  /// Reads the arguments.
  /// - Throws: `ArchiveError`, one line.
  public static func read(path: String) throws -> [PickleValue.Entry] {
    let value = try TorchArchive.read(path: path)
    guard let entries = value.entries else {
      throw ArchiveError.unexpected(
        file: path, place: "root", expected: "a dict of arguments", found: value.typeName)
    }
    return entries
  }

  /// Writes the arguments to `path` atomically.
  public static func write(_ arguments: [PickleValue.Entry], to path: String) throws {
    try TorchArchive.write(.dictionary(arguments), to: path)
  }
}
