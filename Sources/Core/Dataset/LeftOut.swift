/// What of a folder's files is told of in one line: how many they are, the first names and why.
struct LeftOut {
  /// How many names a line has.
  private static let shown = 3

  private(set) var count = 0
  private var first: [String] = []

  /// Counts the file at `path`.
  mutating func add(_ path: BytePath, _ reason: String) {
    count += 1
    if first.count < Self.shown { first.append("\(path) (\(reason))") }
  }

  /// Counts what `other` has counted.
  mutating func add(_ other: LeftOut) {
    count += other.count
    first += other.first.prefix(Self.shown - first.count)
  }

  /// "3 files left out: …"; nil where there are none.
  func warning(_ what: String) -> String? {
    guard count > 0 else { return nil }
    let names = first.joined(separator: ", ") + (count > first.count ? ", …" : "")
    return "\(count) \(count == 1 ? "file" : "files") \(what): \(names)"
  }
}
