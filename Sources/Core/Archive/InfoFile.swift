/// An `info.pickle`: the arguments of a run, in their order, as plain values.
///
/// It is a torch archive, as the originals write it, which Python's `pickle.load` does not read. So
/// the same stands in an `info.json` beside it.
public enum InfoFile {
  /// Bytes of the largest file that is read; arguments take a few thousand.
  private static let largestFile = 1 << 20

  /// Reads the arguments.
  /// - Throws: `ArchiveError`, one line.
  public static func read(path: String) throws -> [PickleValue.Entry] {
    let bytes = try ByteView(mapping: path)
    guard bytes.count <= largestFile else {
      throw ArchiveError.refused(
        file: path, place: "its size",
        problem: "\(bytes.count) bytes of arguments, at most \(largestFile) are read")
    }
    let value = try TorchArchive.open(bytes, file: path).value
    guard let entries = value.entries else {
      throw ArchiveError.unexpected(
        file: path, place: "root", expected: "a dict of arguments", found: value.typeName)
    }
    return entries
  }

  /// Writes the arguments to `path` and, with the ending `.json`, beside it, each atomically.
  public static func write(_ arguments: [PickleValue.Entry], to path: String) throws {
    try TorchArchive.write(.dictionary(arguments), to: path)
    try AtomicFile.write(json(arguments), to: jsonPath(path))
  }

  /// The path of the JSON beside the file at `path`.
  static func jsonPath(_ path: String) -> String {
    (path.hasSuffix(".pickle") ? String(path.dropLast(7)) : path) + ".json"
  }

  /// The arguments as one JSON object, a line each, in their order.
  private static func json(_ arguments: [PickleValue.Entry]) -> String {
    // Of an argument given twice the last counts, here as in the configuration.
    var last: [String: Int] = [:]
    for (index, entry) in arguments.enumerated() { last[entry.key.text ?? ""] = index }
    let lines = arguments.enumerated().compactMap { index, entry -> String? in
      guard let key = entry.key.text, last[key] == index else { return nil }
      return "  \(ArchiveTree.quote(key)): \(json(entry.value))"
    }
    return "{\n\(lines.joined(separator: ",\n"))\n}\n"
  }

  private static func json(_ value: PickleValue) -> String {
    switch value {
    case .bool(let value): value ? "true" : "false"
    case .int(let value): "\(value)"
    case .float(let value) where value.isFinite: PythonFloat.repr(value)
    case .string(let value): ArchiveTree.quote(value)
    case .list(let items), .tuple(let items): "[\(items.map(json).joined(separator: ", "))]"
    default: "null"
    }
  }
}
