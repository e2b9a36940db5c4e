/// What is in an archive, as a tree of names, types and shapes.
///
/// Values are shown only on request. Dictionaries of names show their first 1,000 entries; lists and
/// dictionaries by number, whose items are mostly alike, a few, or as many where values are shown.
/// Of a value with more than 1,000 elements the first eight are shown. No more than 100,000 lines
/// are shown in all. What is left out is counted, and a tree of that entry alone shows it.
public struct ArchiveTree: Sendable {
  /// One value and, for containers, what it holds.
  public struct Node: Equatable, Sendable {
    /// The key or index in the container; empty at the root.
    public var name: String
    /// The Python name of the type.
    public var type: String
    /// The element type of tensors and arrays.
    public var elementType: String?
    /// The shape of tensors and arrays.
    public var shape: [Int]?
    /// The number of items of containers.
    public var count: Int?
    /// The value, where values are shown.
    public var value: String?
    /// The items that are shown.
    public var children: [Node] = []
    /// The number of items that are not.
    public var omitted: Int { (count ?? 0) > children.count ? (count ?? 0) - children.count : 0 }
  }

  /// The file, as it was named.
  public let file: String
  /// `zip` or `legacy`.
  public let container: TorchArchive.Container
  /// The archived value.
  public let root: Node
  /// The path of the root in the archive, such as `model.conv1.weight`; empty for all of it.
  public let entry: String

  /// The tree of `value` out of `file`.
  public init(
    _ value: PickleValue, file: String, container: TorchArchive.Container,
    showsValues: Bool = false, childLimit: Int = 1000
  ) {
    self.init(
      value, entry: "", file: file, container: container,
      limits: .all(showsValues: showsValues, childLimit: childLimit))
  }

  private init(
    _ value: PickleValue, entry: String, file: String, container: TorchArchive.Container,
    limits: ArchiveTreeLimits
  ) {
    self.file = file
    self.container = container
    self.entry = entry
    var builder = ArchiveTreeBuilder(limits)
    root = builder.node("", value)
  }

  /// The tree of the archive at `path`, or of the entry in it that has the path `entry`.
  /// - Throws: `ArchiveError`, one line.
  public static func read(
    path: String, entry: String? = nil, showsValues: Bool = false
  ) throws -> ArchiveTree {
    let (value, container) = try TorchArchive.open(path: path)
    guard let entry else {
      return ArchiveTree(value, file: path, container: container, showsValues: showsValues)
    }
    guard let found = value.entry(at: entry[...]) else {
      throw ArchiveError.unexpected(
        file: path, place: "--entry", expected: "a path in it such as model.conv1.weight",
        found: "'\(entry)'")
    }
    return ArchiveTree(
      found, entry: entry, file: path, container: container,
      limits: .one(showsValues: showsValues))
  }
}

extension PickleValue {
  /// The value below keys and indices that are joined by dots; keys may have dots themselves.
  fileprivate func entry(at path: Substring) -> PickleValue? {
    guard !path.isEmpty else { return self }
    switch self {
    case .dictionary(let entries), .orderedDictionary(let entries, _):
      for entry in entries {
        guard let key = entry.key.text ?? entry.key.integer.map(String.init), !key.isEmpty,
          path.hasPrefix(key)
        else { continue }
        let rest = path.dropFirst(key.count)
        if rest.isEmpty { return entry.value }
        if rest.first == ".", let found = entry.value.entry(at: rest.dropFirst()) {
          return found
        }
      }
      return nil
    case .list(let items), .tuple(let items), .set(let items):
      let name = path.prefix { $0 != "." }
      guard let index = Int(name), items.indices.contains(index) else { return nil }
      return items[index].entry(at: path.dropFirst(name.count + 1))
    default: return nil
    }
  }
}
