/// Runs a pickle by the opcodes and constructors that data need, and nothing else.
///
/// The stream is hostile until proven otherwise: lengths are checked against it, and what it costs
/// is bounded by its length and `PickleLimits`, whatever it repeats (`PickleBudget`).
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
  private var memo = PickleMemo()
  /// Of each node up to the last that was fetched from the memo, whether it was.
  private var shared: [Bool] = []
  var storages: [StorageDeclaration] = []
  var storageIndices: [String: Int] = [:]
  /// What the stream may still cost: it builds what it spells out, not more.
  var budget: PickleBudget
  /// Nodes of None, False, True and the ints 0...255, which most streams repeat.
  private static let common: [PickleNode] =
    [.none, .bool(false), .bool(true)] + (0...255).map { .int(Int64($0)) }

  /// A reader of the pickle that begins at byte `position`.
  package init(_ bytes: ByteView, file: String, part: String, position: Int = 0) {
    self.init(
      bytes, file: file, part: part, position: position,
      budget: PickleBudget(streamSize: bytes.count))
  }

  /// A reader of the pickle that begins at byte `position`, which costs at most `budget`.
  init(_ bytes: ByteView, file: String, part: String, position: Int, budget: PickleBudget) {
    self.bytes = bytes
    self.file = file
    self.part = part
    self.position = position
    self.budget = budget
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
    guard beginsAsPickle else { throw damaged("it does not begin as a pickle of protocol 0 to 5") }
    var operations = 0
    while true {
      let start = position
      let byte: UInt8 = try next()
      guard let opcode = PickleOpcode(rawValue: byte) else {
        position = start
        throw refused("the opcode 0x\(String(byte, radix: 16)), which data do not need")
      }
      if opcode == .stop { break }
      try execute(opcode)
      operations += 1
      guard operations <= PickleLimits.operations, stack.count <= PickleLimits.stack else {
        throw refused(
          "more than \(PickleLimits.operations) steps or \(PickleLimits.stack) open values")
      }
      guard budget.isKept else { throw refused("it builds far more than it holds") }
    }
    let root = try pop()
    return PickleProgram(
      nodes: nodes, root: root, storages: storages, shared: shared, operations: operations,
      budget: budget, end: position, file: file, place: part)
  }

  /// Whether the first byte announces a later protocol, or is an opcode that a value of the
  /// protocols 0 and 1, which announce nothing, begins with.
  private var beginsAsPickle: Bool {
    guard let first = bytes[position], let opcode = PickleOpcode(rawValue: first) else {
      return false
    }
    switch opcode {
    case .proto: return bytes[position + 1].map { (0...5).contains($0) } ?? false
    case .mark, .none, .emptyList, .emptyTuple, .emptyDictionary, .global, .binaryFloat, .int32,
      .uint8, .uint16, .string, .shortString, .unicode, .intLine, .longLine, .floatLine,
      .stringLine, .unicodeLine:
      return true
    default: return false
    }
  }

  private mutating func execute(_ opcode: PickleOpcode) throws {
    switch opcode {
    case .mark:
      marks.append(stack.count)
      guard marks.count <= PickleLimits.stack else { throw refused("too many marks") }
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
    case .put, .longPut, .putLine, .memoize: try keep(opcode)
    case .get, .longGet, .getLine: try fetch(opcode)
    case .append, .appends, .addItems, .setItem, .setItems: try fill(opcode)
    case .reduce, .newObject, .build, .persistentID: try construct(opcode)
    case .global, .stackGlobal: try pushGlobal(opcode)
    case .emptyList, .emptyTuple, .emptyDictionary, .emptySet: pushEmpty(opcode)
    case .list, .dictionary: try pushContainer(opcode)
    case .tuple, .tuple1, .tuple2, .tuple3: try pushTuple(opcode)
    case .intLine, .longLine, .floatLine, .stringLine, .unicodeLine: try pushLine(opcode)
    default: try pushSized(opcode)
    }
  }

  // MARK: Pieces of the opcodes

  private mutating func skipHeader(_ opcode: PickleOpcode) throws {
    if opcode == .proto { _ = try next() as UInt8 } else { _ = try next() as UInt64 }
  }

  private mutating func pushEmpty(_ opcode: PickleOpcode) {
    switch opcode {
    case .emptyList: push(.list([]))
    case .emptyTuple: push(.tuple([]))
    case .emptySet: push(.set([]))
    default: push(.dictionary([]))
    }
  }

  private mutating func pushContainer(_ opcode: PickleOpcode) throws {
    let items = try popToMark()
    guard opcode == .dictionary else { return push(.list(items)) }
    guard items.count % 2 == 0 else { throw damaged("a key without a value") }
    push(.dictionary(items))
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
      module = try nameLine()
      name = try nameLine()
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

  /// A line of a constructor's name.
  private mutating func nameLine() throws -> String {
    let line = try line()
    guard line.count <= 256, let text = line.text else {
      throw damaged("a constructor without a name")
    }
    return text
  }

  private mutating func keep(_ opcode: PickleOpcode) throws {
    let index =
      switch opcode {
      case .put: Int(try next() as UInt8)
      case .longPut: Int(try next() as UInt32)
      case .putLine: try memoLine()
      default: memo.count
      }
    budget.takeMemory(memo.set(index, try top()))
  }

  private mutating func fetch(_ opcode: PickleOpcode) throws {
    let index =
      switch opcode {
      case .get: Int(try next() as UInt8)
      case .longGet: Int(try next() as UInt32)
      default: try memoLine()
      }
    guard let node = memo[index] else { throw damaged("memo entry \(index) was never set") }
    stack.append(node)
    guard node >= Self.common.count else { return }
    if node >= shared.count {
      shared.append(contentsOf: repeatElement(false, count: node + 1 - shared.count))
    }
    if !shared[node] { budget.takeMemory(PickleCost.shared) }
    shared[node] = true
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
    budget.takeMemory(items.count * (isPairs ? PickleCost.dictionaryItem : PickleCost.item))
    guard nodes[target].add(items, isPairs: isPairs, isSet: opcode == .addItems) else {
      throw damaged("\(isPairs ? "a key is" : "items are") added to \(nodes[target].kind)")
    }
  }

  // MARK: Stack and stream

  mutating func push(_ node: PickleNode) {
    budget.takeMemory(node.cost)
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

  mutating func next<T: FixedWidthInteger>() throws -> T {
    guard let value = bytes.integer(T.self, at: position) else { throw damaged("it is cut short") }
    position += MemoryLayout<T>.size
    return value
  }

  mutating func take(_ count: Int) throws -> ByteView {
    guard let view = bytes.slice(position, count) else { throw damaged("it is cut short") }
    position += count
    return view
  }

  // MARK: Errors

  func damaged(_ problem: String) -> ArchiveError {
    .damaged(file: file, place: "\(part), byte \(position)", problem: problem)
  }

  func refused(_ problem: String) -> ArchiveError {
    .refused(file: file, place: "\(part), byte \(position)", problem: problem)
  }
}
