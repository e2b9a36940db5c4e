/// What is in an archive, as a tree of names, types and shapes.
///
/// Values are shown only on request. Dictionaries of names show their first `childLimit` entries;
/// lists and dictionaries by number, whose items are mostly alike, a few. No more than 100,000 are
/// shown in all.
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

  /// The tree of `value` out of `file`.
  public init(
    _ value: PickleValue, file: String, container: TorchArchive.Container,
    showsValues: Bool = false, childLimit: Int = 1000
  ) {
    self.file = file
    self.container = container
    var builder = Builder(showsValues: showsValues, childLimit: childLimit)
    root = builder.node("", value)
  }

  /// The tree of the archive at `path`.
  /// - Throws: `ArchiveError`, one line.
  public static func read(
    path: String, showsValues: Bool = false, childLimit: Int = 1000
  ) throws -> ArchiveTree {
    let (value, container) = try TorchArchive.open(path: path)
    return ArchiveTree(
      value, file: path, container: container, showsValues: showsValues, childLimit: childLimit)
  }

}

/// Makes nodes as long as there is room for them.
private struct Builder {
  let showsValues: Bool
  let childLimit: Int
  private var room = 100_000

  init(showsValues: Bool, childLimit: Int) {
    self.showsValues = showsValues
    self.childLimit = childLimit
  }

  mutating func node(_ name: String, _ value: PickleValue) -> ArchiveTree.Node {
    var node = ArchiveTree.Node(name: name, type: value.typeName)
    switch value {
    case .dictionary(let entries), .orderedDictionary(let entries, _):
      node.count = entries.count
      let isNamed = entries.allSatisfy { $0.key.text != nil }
      node.children = children(
        entries.prefix(isNamed ? childLimit : min(childLimit, 8)).map {
          (Self.text($0.key), $0.value)
        })
    case .list(let items), .tuple(let items), .set(let items):
      node.count = items.count
      node.children = children(items.prefix(min(childLimit, 8)).enumerated().map { ("\($0)", $1) })
    case .tensor(let tensor):
      node.type = tensor.isParameter ? "Parameter" : "tensor"
      node.elementType = tensor.type.rawValue
      node.shape = tensor.shape
    case .array(let array):
      node.elementType = array.type.name
      node.shape = array.shape
    case .torchSize(let sizes): node.shape = sizes
    default: break
    }
    if showsValues { node.value = ArchiveTreeValues.text(value) }
    return node
  }

  private mutating func children(_ items: [(String, PickleValue)]) -> [ArchiveTree.Node] {
    var nodes: [ArchiveTree.Node] = []
    for (name, value) in items where room > 0 {
      room -= 1
      nodes.append(node(name, value))
    }
    return nodes
  }

  private static func text(_ key: PickleValue) -> String {
    ArchiveError.quoted(key.text ?? ArchiveTreeValues.text(key) ?? key.typeName)
  }
}

/// The values of an archive as short Python-like text.
enum ArchiveTreeValues {
  private static let elementLimit = 8

  /// The text of a value that is no container, or nil.
  static func text(_ value: PickleValue) -> String? {
    switch value {
    case .none: "None"
    case .bool(let value): value ? "True" : "False"
    case .int(let value): "\(value)"
    case .bigInteger(let value): value.description
    case .float(let value): PythonFloat.repr(value)
    case .string(let value): "'\(ArchiveError.quoted(value))'"
    case .bytes(let value): "\(value.count) bytes"
    case .tensor(let tensor): elements(tensor)
    case .array(let array): elements(array.integers, array.doubles)
    case .numpyScalar(let scalar): elements(scalar.integers, scalar.doubles)
    case .numpyType(let type): type.name
    case .torchSize(let sizes): "\(sizes)"
    case .torchType(let type): "torch.\(type.rawValue)"
    case .torchDevice(let name): "'\(ArchiveError.quoted(name))'"
    case .list, .tuple, .set, .dictionary, .orderedDictionary: nil
    }
  }

  private static func elements(_ tensor: TorchTensor) -> String? {
    elements(tensor.integers, tensor.doubles)
  }

  private static func elements(_ integers: [Int64]?, _ doubles: [Double]?) -> String? {
    let count = integers?.count ?? doubles?.count
    let texts =
      integers?.prefix(elementLimit).map { "\($0)" }
      ?? doubles?.prefix(elementLimit).map(PythonFloat.repr)
    guard let count, let texts else { return nil }
    return texts.joined(separator: " ") + (count > elementLimit ? " …" : "")
  }
}
