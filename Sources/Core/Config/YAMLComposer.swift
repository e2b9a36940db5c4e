import CYaml

/// Makes the events of libyaml's parser into nodes, within limits; it owns the parser.
///
/// Yams composes nodes too, but hashes keys with every alias in them written out, which a file of
/// one kilobyte makes last for ever. Here what aliases stand for is counted before it is used.
final class YAMLComposer {
  /// The most scalars, lists and mappings of a file, aliases written out.
  static let maximumSize = 100_000
  /// The most levels below one another, aliases written out.
  static let maximumHeight = 40

  /// The file's root; nil of a file without any.
  private(set) var root: YAMLNode?
  /// The anchors that an alias names.
  private(set) var usedAnchors: Set<Int> = []

  private let path: String
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private var anchors: [String: YAMLNode] = [:]
  private var anchorCount = 0
  /// The nodes so far, aliases written out.
  private var size = 0

  /// Composes `text`, the content of the file at `path`; throws `ConfigError`.
  init(_ text: String, path: String) throws {
    self.path = path
    parser = .allocate(capacity: 1)
    parser.initialize(to: yaml_parser_t())
    guard yaml_parser_initialize(parser) == 1 else {
      throw ConfigError.unreadable(path: path, reason: "no memory to read it")
    }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    var text = text
    try text.withUTF8 { bytes in
      yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
      try compose()
    }
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deinitialize(count: 1)
    parser.deallocate()
  }

  private func compose() throws {
    _ = try next()  // the stream begins
    let document = try next()
    guard document.type != YAML_STREAM_END_EVENT else { return }
    root = try node(of: try next(), depth: 1)
    _ = try next()  // the document ends
    let end = try next()
    guard end.type == YAML_STREAM_END_EVENT else {
      throw malformed("expected one document, found a second one", line: end.line)
    }
  }

  /// The node that begins with `event`, `depth` levels down, itself included.
  private func node(of event: YAMLEvent, depth: Int) throws -> YAMLNode {
    if event.type == YAML_ALIAS_EVENT { return try alias(event) }
    try count(1, line: event.line)
    guard depth <= Self.maximumHeight else { throw tooDeep(line: event.line) }
    var node: YAMLNode
    switch event.type {
    case YAML_SEQUENCE_START_EVENT: node = try list(from: event, depth: depth)
    case YAML_MAPPING_START_EVENT: node = try mapping(from: event, depth: depth)
    default:
      node = YAMLNode(
        content: .scalar(event.value, isPlain: try isPlain(event)), line: event.line)
    }
    node.size += node.children.reduce(0) { $0 + $1.size }
    node.height += node.children.map(\.height).max() ?? 0
    guard node.height <= Self.maximumHeight else { throw tooDeep(line: event.line) }
    if let anchor = event.anchor {
      anchorCount += 1
      node.anchor = anchorCount
      anchors[anchor] = node
    }
    return node
  }

  private func list(from event: YAMLEvent, depth: Int) throws -> YAMLNode {
    try requireTag(of: event, in: ["tag:yaml.org,2002:seq"])
    var items: [YAMLNode] = []
    var next = try next()
    while next.type != YAML_SEQUENCE_END_EVENT {
      items.append(try node(of: next, depth: depth + 1))
      next = try self.next()
    }
    return YAMLNode(content: .list(items), line: event.line)
  }

  private func mapping(from event: YAMLEvent, depth: Int) throws -> YAMLNode {
    try requireTag(of: event, in: ["tag:yaml.org,2002:map"])
    var pairs: [(key: YAMLNode, value: YAMLNode)] = []
    var next = try next()
    while next.type != YAML_MAPPING_END_EVENT {
      let key = try node(of: next, depth: depth + 1)
      pairs.append((key, try node(of: try self.next(), depth: depth + 1)))
      next = try self.next()
    }
    return YAMLNode(content: .mapping(pairs), line: event.line)
  }

  private func alias(_ event: YAMLEvent) throws -> YAMLNode {
    let name = event.anchor ?? ""
    guard var node = anchors[name], let anchor = node.anchor else {
      throw malformed(
        "expected an alias of an anchor above, found *\(name.quoted())",
        line: event.line)
    }
    try count(node.size, line: event.line)
    usedAnchors.insert(anchor)
    node.isAlias = true
    return node
  }

  private func count(_ nodes: Int, line: Int) throws {
    size += nodes
    guard size <= Self.maximumSize else {
      throw malformed(
        "expected at most \(Self.maximumSize) values, aliases written out, found more", line: line)
    }
  }

  /// Whether a scalar is typed by how it looks: an unquoted one, and one with a tag for a type.
  private func isPlain(_ event: YAMLEvent) throws -> Bool {
    guard let tag = event.tag else { return event.isPlain }
    let typed = ["int", "float", "bool", "null"].map { "tag:yaml.org,2002:\($0)" }
    if typed.contains(tag) { return true }
    try requireTag(of: event, in: ["!", "tag:yaml.org,2002:str"])
    return false
  }

  private func requireTag(of event: YAMLEvent, in known: [String]) throws {
    guard let tag = event.tag, !known.contains(tag) else { return }
    throw malformed(
      "expected a value without a tag, found \(tag.quoted())", line: event.line)
  }

  private func next() throws -> YAMLEvent {
    let event = YAMLEvent()
    guard yaml_parser_parse(parser, event.event) == 1 else {
      let problem = parser.pointee.problem.map { String(cString: $0) } ?? "unreadable"
      throw malformed("not YAML: \(problem)", line: Int(parser.pointee.problem_mark.line) + 1)
    }
    return event
  }

  private func tooDeep(line: Int) -> ConfigError {
    malformed("expected at most \(Self.maximumHeight) levels, found more", line: line)
  }

  private func malformed(_ problem: String, line: Int) -> ConfigError {
    .malformed(path: path, line: line, problem: problem)
  }
}

/// One event of the parser; it owns what libyaml allocated for it.
private final class YAMLEvent {
  let event: UnsafeMutablePointer<yaml_event_t>

  init() {
    event = .allocate(capacity: 1)
    event.initialize(to: yaml_event_t())
  }

  deinit {
    yaml_event_delete(event)
    event.deinitialize(count: 1)
    event.deallocate()
  }

  var type: yaml_event_type_t { event.pointee.type }

  /// The line it begins in, from 1.
  var line: Int { Int(event.pointee.start_mark.line) + 1 }

  /// The name of its anchor, or of the one that an alias names.
  var anchor: String? {
    let data = event.pointee.data
    return switch type {
    case YAML_ALIAS_EVENT: Self.text(data.alias.anchor)
    case YAML_SCALAR_EVENT: Self.text(data.scalar.anchor)
    case YAML_SEQUENCE_START_EVENT: Self.text(data.sequence_start.anchor)
    case YAML_MAPPING_START_EVENT: Self.text(data.mapping_start.anchor)
    default: nil
    }
  }

  /// The tag that is written before it.
  var tag: String? {
    let data = event.pointee.data
    return switch type {
    case YAML_SCALAR_EVENT: Self.text(data.scalar.tag)
    case YAML_SEQUENCE_START_EVENT: Self.text(data.sequence_start.tag)
    case YAML_MAPPING_START_EVENT: Self.text(data.mapping_start.tag)
    default: nil
    }
  }

  /// A scalar's text.
  var value: String {
    let scalar = event.pointee.data.scalar
    return String(
      decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
  }

  /// Whether a scalar is unquoted.
  var isPlain: Bool { event.pointee.data.scalar.style == YAML_PLAIN_SCALAR_STYLE }

  private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    pointer.map { String(cString: $0) }
  }
}
