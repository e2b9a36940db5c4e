/// Runs a pickle by the opcodes and constructors that data need, and nothing else.
///
/// The stream is hostile until proven otherwise: lengths are checked against it, the memo is a
/// dictionary, and the work and memory of a stream are bounded by its length and `PickleLimits`.
package struct PickleReader {
  let bytes: ByteView
  /// The path of the file, for messages.
  let file: String
  /// The part of the file, for messages.
  let part: String
  var position: Int
  var nodes: [PickleNode] = []
  var stack: [Int] = []
  /// Heights of the stack at the marks that are still open.
  private var marks: [Int] = []
  private var memo: [Int: Int] = [:]
  private var shared: Set<Int> = []
  var storages: [StorageDeclaration] = []
  var storageIndices: [String: Int] = [:]
  /// Bytes that constructors may still copy: a stream builds what it spells out, not more.
  var copyAllowance: Int
  /// Nodes of None, False, True and the ints 0...255, which most streams repeat.
  private static let common: [PickleNode] =
    [.none, .bool(false), .bool(true)] + (0...255).map { .int(Int64($0)) }

  /// A reader of the pickle that begins at byte `position`.
  package init(_ bytes: ByteView, file: String, part: String, position: Int = 0) {
    self.bytes = bytes
    self.file = file
    self.part = part
    self.position = position
    copyAllowance = 2 * bytes.count + 4096
    nodes = Self.common
  }

  /// The value of a pickle that holds no tensors and ends the file.
  package mutating func readValue() throws -> PickleValue {
    let program = try run()
    guard program.storages.isEmpty else {
      throw ArchiveError.refused(file: file, place: part, problem: "tensors outside an archive")
    }
    try program.requireEnd(of: bytes)
    return try program.value()
  }

  /// Runs the stream up to its STOP.
  mutating func run() throws -> PickleProgram {
    guard bytes[position] == PickleOpcode.proto.rawValue, let version = bytes[position + 1],
      (2...5).contains(version)
    else { throw damaged("it does not begin as a pickle of protocol 2 to 5") }
    position += 2
    while true {
      let start = position
      let byte: UInt8 = try next()
      guard let opcode = PickleOpcode(rawValue: byte) else {
        position = start
        throw refused("the opcode 0x\(String(byte, radix: 16)), which data do not need")
      }
      if opcode == .stop { break }
      try execute(opcode)
      guard nodes.count <= PickleLimits.values, stack.count <= PickleLimits.values else {
        throw refused("more than \(PickleLimits.values) values")
      }
    }
    let root = try pop()
    return PickleProgram(
      nodes: nodes, root: root, storages: storages, shared: shared, end: position, file: file,
      place: part)
  }

  private mutating func execute(_ opcode: PickleOpcode) throws {
    switch opcode {
    case .mark:
      marks.append(stack.count)
      guard marks.count <= PickleLimits.values else { throw refused("too many marks") }
    case .none: stack.append(0)
    case .newFalse: stack.append(1)
    case .newTrue: stack.append(2)
    case .uint8: stack.append(3 + Int(try next() as UInt8))
    case .uint16: push(.int(Int64(try next() as UInt16)))
    case .int32: push(.int(Int64(try next() as Int32)))
    case .long1: try pushInteger(size: Int(try next() as UInt8))
    case .long4: try pushInteger(size: Int(try next() as Int32))
    case .binaryFloat: push(.float(Double(bitPattern: (try next() as UInt64).byteSwapped)))
    case .proto, .frame: try skipHeader(opcode)
    case .put, .longPut, .memoize, .get, .longGet: try memorize(opcode)
    case .append, .appends, .addItems, .setItem, .setItems: try fill(opcode)
    case .reduce, .newObject, .build, .persistentID: try construct(opcode)
    case .global, .stackGlobal: try pushGlobal(opcode)
    case .emptyList, .emptyTuple, .emptyDictionary, .emptySet: pushEmpty(opcode)
    case .tuple, .tuple1, .tuple2, .tuple3: try pushTuple(opcode)
    default: try pushText(opcode)
    }
  }

  // MARK: Pieces of the opcodes

  private mutating func skipHeader(_ opcode: PickleOpcode) throws {
    if opcode == .proto { _ = try next() as UInt8 } else { _ = try next() as UInt64 }
  }

  private mutating func pushInteger(size: Int) throws {
    guard size >= 0, size <= PickleLimits.integerSize else {
      throw refused("an integer of \(size) bytes")
    }
    let digits = try take(size).array
    guard size > 8 else {
      let fill: UInt64 = digits.last.map { $0 >= 0x80 } ?? false ? .max : 0
      let value = digits.reversed().reduce(fill) { $0 << 8 | UInt64($1) }
      return push(.int(Int64(bitPattern: value)))
    }
    push(.bigInteger(digits))
  }

  private mutating func pushText(_ opcode: PickleOpcode) throws {
    let length: Int
    switch opcode {
    case .shortString, .shortBytes, .shortUnicode: length = Int(try next() as UInt8)
    case .unicode, .bytes: length = Int(try next() as UInt32)
    case .string: length = Int(try next() as Int32)
    default: length = Int(exactly: try next() as UInt64) ?? -1
    }
    let content = try take(length)
    switch opcode {
    case .string, .shortString: push(.rawString(content.array))
    case .bytes, .shortBytes, .longBytes: push(.bytes(content.array))
    default:
      guard let text = content.text else { throw damaged("a text of \(length) bytes is not UTF-8") }
      push(.string(text))
    }
  }

  private mutating func pushEmpty(_ opcode: PickleOpcode) {
    switch opcode {
    case .emptyList: push(.list([]))
    case .emptyTuple: push(.tuple([]))
    case .emptySet: push(.set([]))
    default: push(.dictionary([]))
    }
  }

  private mutating func pushTuple(_ opcode: PickleOpcode) throws {
    let items: [Int]
    switch opcode {
    case .tuple1: items = try popItems(1)
    case .tuple2: items = try popItems(2)
    case .tuple3: items = try popItems(3)
    default: items = try popToMark()
    }
    push(.tuple(items))
  }

  private mutating func pushGlobal(_ opcode: PickleOpcode) throws {
    let module: String
    let name: String
    if opcode == .global {
      module = try line()
      name = try line()
    } else {
      let items = try popItems(2)
      guard case .string(let first) = nodes[items[0]], case .string(let second) = nodes[items[1]]
      else { throw damaged("a constructor whose name is no text") }
      (module, name) = (first, second)
    }
    guard let global = PickleGlobal(module: module, name: name) else {
      let full = ArchiveError.quoted("\(module).\(name)")
      guard !module.hasPrefix("PIL.") else {
        throw refused("it holds images as \(full) objects; archives with PNG folders are read")
      }
      throw refused("it asks for \(full), which no plain data need")
    }
    push(.global(global))
  }

  private mutating func memorize(_ opcode: PickleOpcode) throws {
    switch opcode {
    case .put: memo[Int(try next() as UInt8)] = try top()
    case .longPut: memo[Int(try next() as UInt32)] = try top()
    case .memoize: memo[memo.count] = try top()
    default:
      let index = opcode == .get ? Int(try next() as UInt8) : Int(try next() as UInt32)
      guard let node = memo[index] else { throw damaged("memo entry \(index) was never set") }
      stack.append(node)
      if node >= Self.common.count { shared.insert(node) }
    }
  }

  private mutating func fill(_ opcode: PickleOpcode) throws {
    let items: [Int]
    switch opcode {
    case .append: items = try popItems(1)
    case .setItem: items = try popItems(2)
    default: items = try popToMark()
    }
    let target = try top()
    let isPairs = opcode == .setItem || opcode == .setItems
    guard !isPairs || items.count % 2 == 0 else { throw damaged("a key without a value") }
    guard nodes[target].add(items, isPairs: isPairs, isSet: opcode == .addItems) else {
      throw damaged("\(isPairs ? "a key is" : "items are") added to \(nodes[target].kind)")
    }
  }

  // MARK: Stack and stream

  mutating func push(_ node: PickleNode) {
    nodes.append(node)
    stack.append(nodes.count - 1)
  }

  private func top() throws -> Int {
    guard stack.count > marks.last ?? 0, let node = stack.last else {
      throw damaged("its stack is empty")
    }
    return node
  }

  mutating func pop() throws -> Int {
    let node = try top()
    stack.removeLast()
    return node
  }

  mutating func popItems(_ count: Int) throws -> [Int] {
    guard stack.count - count >= marks.last ?? 0 else { throw damaged("its stack is empty") }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private mutating func popToMark() throws -> [Int] {
    guard let height = marks.popLast() else { throw damaged("there is no mark") }
    defer { stack.removeLast(stack.count - height) }
    return Array(stack[height...])
  }

  private mutating func next<T: FixedWidthInteger>() throws -> T {
    guard let value = bytes.integer(T.self, at: position) else { throw damaged("it is cut short") }
    position += MemoryLayout<T>.size
    return value
  }

  private mutating func take(_ count: Int) throws -> ByteView {
    guard let view = bytes.slice(position, count) else { throw damaged("it is cut short") }
    position += count
    return view
  }

  /// The text up to the next line feed, which constructors' names end with.
  private mutating func line() throws -> String {
    let limit = min(256, bytes.count - position)
    guard let view = bytes.slice(position, limit),
      let length = view.withBytes({ $0.firstIndex(of: 0x0a) }),
      let text = view.slice(0, length)?.text
    else { throw damaged("a constructor without a name") }
    position += length + 1
    return text
  }

  // MARK: Errors

  func damaged(_ problem: String) -> ArchiveError {
    .damaged(file: file, place: "\(part), byte \(position)", problem: problem)
  }

  func refused(_ problem: String) -> ArchiveError {
    .refused(file: file, place: "\(part), byte \(position)", problem: problem)
  }
}
