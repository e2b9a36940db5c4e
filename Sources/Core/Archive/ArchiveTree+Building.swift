/// How much of an archive a tree shows.
struct ArchiveTreeLimits {
  var showsValues: Bool
  /// Entries of a dictionary by name.
  var namedChildren: Int
  /// Items of any other container.
  var otherChildren: Int
  /// The elements of a value that is shown whole.
  var wholeElements: Int
  /// The elements that are shown of a longer one.
  var firstElements: Int
  /// Characters of a text.
  var characters: Int
  /// Lines in all; a long one counts as several.
  var lines: Int

  /// The limits of a whole archive.
  static func all(showsValues: Bool, childLimit: Int) -> ArchiveTreeLimits {
    ArchiveTreeLimits(
      showsValues: showsValues, namedChildren: childLimit,
      otherChildren: showsValues ? childLimit : min(childLimit, 8), wholeElements: 1000,
      firstElements: 8, characters: 10_000, lines: 100_000)
  }

  /// The limits of one entry: only what no terminal or memory holds is left out.
  static func one(showsValues: Bool) -> ArchiveTreeLimits {
    ArchiveTreeLimits(
      showsValues: showsValues, namedChildren: .max, otherChildren: .max,
      wholeElements: 1 << 22, firstElements: 1 << 22, characters: 1 << 22, lines: 300_000)
  }
}

/// Makes nodes as long as there is room for them.
struct ArchiveTreeBuilder {
  private let limits: ArchiveTreeLimits
  private var room: Int
  private var depth = 0

  init(_ limits: ArchiveTreeLimits) {
    self.limits = limits
    room = limits.lines
  }

  mutating func node(_ name: String, _ value: PickleValue) -> ArchiveTree.Node {
    var node = ArchiveTree.Node(name: name, type: value.typeName)
    switch value {
    case .dictionary(let entries), .orderedDictionary(let entries, _):
      node.count = entries.count
      let isNamed = entries.allSatisfy { $0.key.text != nil }
      node.children = children(
        entries.prefix(isNamed ? limits.namedChildren : limits.otherChildren).lazy.map {
          (Self.text($0.key), $0.value)
        })
    case .list(let items), .tuple(let items), .set(let items):
      node.count = items.count
      node.children = children(
        items.prefix(limits.otherChildren).enumerated().lazy.map { ("\($0)", $1) })
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
    if limits.showsValues { node.value = ArchiveTreeValues(limits).text(value) }
    // Lines that are deep or long take more than one line's room.
    room -= (depth + (node.shape?.count ?? 0)) / 8 + (node.value?.utf8.count ?? 0) / 64
    return node
  }

  private mutating func children(
    _ items: some Sequence<(String, PickleValue)>
  ) -> [ArchiveTree.Node] {
    var nodes: [ArchiveTree.Node] = []
    depth += 1
    defer { depth -= 1 }
    for (name, value) in items {
      guard room > 0 else { break }
      room -= 1
      nodes.append(node(name, value))
    }
    return nodes
  }

  private static func text(_ key: PickleValue) -> String {
    let limits = ArchiveTreeLimits.all(showsValues: true, childLimit: 0)
    return ArchiveError.quoted(
      key.text ?? ArchiveTreeValues(limits).text(key) ?? key.typeName)
  }
}

/// The values of an archive as Python-like text.
struct ArchiveTreeValues {
  private let limits: ArchiveTreeLimits

  init(_ limits: ArchiveTreeLimits) { self.limits = limits }

  /// The text of a value that is no container, or nil.
  func text(_ value: PickleValue) -> String? {
    switch value {
    case .none: "None"
    case .bool(let value): value ? "True" : "False"
    case .int(let value): "\(value)"
    case .bigInteger(let value): value.description
    case .float(let value): PythonFloat.repr(value)
    case .string(let value): "'\(ArchiveError.quoted(value, limit: limits.characters))'"
    case .bytes(let value): bytes(value)
    case .tensor(let tensor):
      elements(tensor.count) {
        tensor.first($0).integers
      } doubles: {
        tensor.first($0).doubles
      }
    case .array(let array):
      elements(array.count) {
        array.first($0).integers
      } doubles: {
        array.first($0).doubles
      }
    case .numpyScalar(let scalar):
      elements(1) {
        scalar.first($0).integers
      } doubles: {
        scalar.first($0).doubles
      }
    case .numpyType(let type): type.name
    case .torchSize(let sizes): "\(sizes)"
    case .torchType(let type): "torch.\(type.rawValue)"
    case .torchDevice(let name): "'\(ArchiveError.quoted(name))'"
    case .list, .tuple, .set, .dictionary, .orderedDictionary: nil
    }
  }

  /// The first of `count` elements, which alone are converted: a view may repeat one many times.
  private func elements(
    _ count: Int, integers: (Int) -> [Int64]?, doubles: (Int) -> [Double]?
  ) -> String? {
    let shown = self.shown(of: count)
    let texts =
      integers(shown).map { $0.map { "\($0)" } } ?? doubles(shown).map { $0.map(PythonFloat.repr) }
    return texts.map { $0.joined(separator: " ") + rest(count - shown) }
  }

  private func bytes(_ value: [UInt8]) -> String {
    let shown = self.shown(of: value.count)
    let digits = value.prefix(shown).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
    return "\(value.count) bytes" + (digits.isEmpty ? "" : ": ") + digits.joined(separator: " ")
      + rest(value.count - shown)
  }

  private func shown(of count: Int) -> Int {
    count <= limits.wholeElements ? count : limits.firstElements
  }

  private func rest(_ count: Int) -> String { count > 0 ? " … \(count) more" : "" }
}
