// What programs wrap around a state_dict: a dictionary with other things beside it, and prefixes
// before its names.

extension StateDict {
  /// The keys under which programs keep a state_dict, in the order in which they are looked for.
  private static let keys = ["state_dict", "model_state_dict", "net", "model"]
  /// Keys within keys, as where a trainer's state is saved with the model's in it.
  private static let deepest = 3

  /// What DataParallel, `torch.compile`, Lightning modules and sequences with the model in second
  /// place put before every name.
  private static let prefixes = [
    "module.", "_orig_mod.", "model.", "net.", "network.", "backbone.", "1.",
  ]

  /// The state_dict in `value`, the content of `file`: that itself, or what stands in it under one
  /// of the usual keys; all else is left alone.
  /// - Throws: `ArchiveError` naming the place.
  public init(within value: PickleValue, file: String) throws {
    var (value, path) = (value, [String]())
    while path.count < Self.deepest, !Self.holdsOnlyTensors(value),
      let (key, inner) = Self.inner(value)
    {
      path.append(key)
      value = inner
    }
    let place = path.joined(separator: ".")
    if let entries = value.entries, !entries.contains(where: { Self.isTensor($0.value) }) {
      let found = entries.prefix(4).map { ArchiveError.quoted($0.key.text ?? $0.key.typeName) }
      throw ArchiveError.unexpected(
        file: file, place: place.isEmpty ? "root" : place,
        expected: "a state_dict, or a dict with one under \(Self.keys.joined(separator: ", "))",
        found: found.isEmpty
          ? "an empty \(value.typeName)"
          : "a \(value.typeName) of \(found.joined(separator: ", "))"
            + (entries.count > found.count ? ", …" : ""))
    }
    try self.init(value, file: file, place: place)
  }

  /// The first usual key whose value is a state_dict, else the only key at all with one; where none
  /// is, the first whose value is a dictionary, so that messages name what is wrong in it.
  private static func inner(_ value: PickleValue) -> (key: String, value: PickleValue)? {
    let found = keys.compactMap { key in value[key].map { (key: key, value: $0) } }
    if let usual = found.first(where: { holdsOnlyTensors($0.value) }) { return usual }
    let others = (value.entries ?? []).compactMap { entry in
      entry.key.text.flatMap { holdsOnlyTensors(entry.value) ? (key: $0, value: entry.value) : nil }
    }
    return others.count == 1
      ? others.first
      : found.first { $0.value.entries?.isEmpty == false }
  }

  private static func holdsOnlyTensors(_ value: PickleValue) -> Bool {
    guard let entries = value.entries, !entries.isEmpty else { return false }
    return entries.allSatisfy { isTensor($0.value) }
  }

  private static func isTensor(_ value: PickleValue) -> Bool {
    if case .tensor = value { true } else { false }
  }

  /// `entries` without the prefixes that all of them have.
  static func withoutPrefixes(_ entries: [Entry]) -> [Entry] {
    var entries = entries
    while let prefix = prefixes.first(where: { prefix in
      !entries.isEmpty
        && entries.allSatisfy {
          $0.name.hasPrefix(prefix) && $0.name.utf8.count > prefix.utf8.count
        }
    }) {
      entries = entries.map {
        Entry(name: String($0.name.dropFirst(prefix.count)), shape: $0.shape, values: $0.values)
      }
    }
    return entries
  }
}
