/// Turns the nodes of a pickle into a value, visiting each node once.
///
/// Shared nodes become values that share storage. Cycles, deep nesting and trees that would be
/// huge with shared parts written out are refused, so that whoever walks the value may recurse; so
/// are keys that cost more to compare than the stream is long.
struct PickleTreeBuilder {
  /// A finished value, its levels of containers and the nodes below it.
  struct Built {
    var value: PickleValue
    var height = 0
    var size = 1
  }

  private let program: PickleProgram
  private let storages: [TorchStorage]
  private var finished: [Int: Built] = [:]
  private var open: Set<Int> = []
  private var budget: PickleBudget
  /// Values in the finished tree, shared ones counted in each place.
  private let largestTree: Int

  init(program: PickleProgram, storages: [TorchStorage]) {
    self.program = program
    budget = program.budget
    largestTree = PickleLimits.sharedTreeSize + 4 * program.operations
    self.storages = storages
  }

  /// The value of node `index`, which lies `depth` containers deep.
  mutating func build(_ index: Int, depth: Int) throws -> Built {
    switch program.nodes[index] {
    case .none: return Built(value: .none)
    case .bool(let value): return Built(value: .bool(value))
    case .int(let value): return Built(value: .int(value))
    case .float(let value): return Built(value: .float(value))
    case .string(let value): return Built(value: .string(value))
    default: break
    }
    let isShared = index < program.shared.count && program.shared[index]
    if isShared {
      if let built = finished[index] { return built }
      guard open.insert(index).inserted else { throw refused("a container that contains itself") }
    }
    guard depth <= PickleLimits.depth else { throw tooDeep() }
    let built = try container(index, depth: depth)
    guard built.height <= PickleLimits.depth else { throw tooDeep() }
    guard built.size <= largestTree else {
      throw refused("shared containers that amount to more than \(largestTree) values")
    }
    if isShared {
      open.remove(index)
      finished[index] = built
    }
    return built
  }

  private mutating func container(_ index: Int, depth: Int) throws -> Built {
    switch program.nodes[index] {
    case .list(let items): return try sequence(items, depth) { .list($0) }
    case .tuple(let items): return try sequence(items, depth) { .tuple($0) }
    case .set(let items): return try sequence(items, depth) { .set($0) }
    case .dictionary(let items):
      let (entries, built) = try dictionary(items, depth)
      return Built(value: .dictionary(entries), height: built.height, size: built.size)
    case .orderedDictionary(let items, let metadata):
      var (entries, built) = try dictionary(items, depth)
      let state = try metadata.map { try build($0, depth: depth + 1) }
      if let state {
        built.height = max(built.height, state.height + 1)
        built.size += state.size
      }
      built.value = .orderedDictionary(entries, metadata: state?.value.entries)
      return built
    default: return Built(value: try leaf(program.nodes[index]))
    }
  }

  private mutating func sequence(
    _ items: [Int], _ depth: Int, as make: ([PickleValue]) -> PickleValue
  ) throws -> Built {
    var result = Built(value: .none, height: 1)
    var values: [PickleValue] = []
    values.reserveCapacity(items.count)
    for item in items {
      let built = try build(item, depth: depth + 1)
      values.append(built.value)
      result.height = max(result.height, built.height + 1)
      result.size += built.size
    }
    result.value = make(values)
    return result
  }

  private mutating func dictionary(
    _ items: [Int], _ depth: Int
  ) throws -> (entries: [PickleValue.Entry], Built) {
    var result = Built(value: .none, height: 1)
    var entries: [PickleValue.Entry] = []
    var keys: Set<PickleKey> = []
    entries.reserveCapacity(items.count / 2)
    keys.reserveCapacity(items.count / 2)
    for start in stride(from: 0, to: items.count - 1, by: 2) {
      let (key, value) = (
        try build(items[start], depth: depth + 1), try build(items[start + 1], depth: depth + 1)
      )
      try insert(key, into: &keys)
      entries.append(PickleValue.Entry(key.value, value.value))
      result.height = max(result.height, key.height + 1, value.height + 1)
      result.size += key.size + value.size
    }
    return (entries, result)
  }

  private mutating func insert(_ built: Built, into keys: inout Set<PickleKey>) throws {
    guard built.size <= PickleLimits.keySize else {
      throw refused("a dict whose key is a \(built.value.typeName) of \(built.size) values")
    }
    // Twice: once to find its place and once to see that it is not the key that stands there.
    budget.takeWork(2 * PickleKey.length(of: built.value))
    if built.size > 1 { budget.takeMemory(built.size * PickleCost.keyPart) }
    guard budget.isKept else { throw refused("keys that are far longer than the file") }
    guard let key = PickleKey(built.value) else {
      throw refused("a dict whose key is a \(built.value.typeName)")
    }
    guard keys.insert(key).inserted else {
      throw refused("a dict with the key \(ArchiveError.quoted(key.description)) twice")
    }
  }

  private func leaf(_ node: PickleNode) throws -> PickleValue {
    switch node {
    case .bigInteger(let bytes): return .bigInteger(.init(littleEndian: bytes))
    case .rawString(let bytes):
      return String(validating: bytes, as: UTF8.self).map(PickleValue.string) ?? .bytes(bytes)
    case .bytes(let bytes): return .bytes(bytes)
    case .storage(let view):
      return .tensor(
        TorchTensor(
          storage: storages[view.declaration], offset: view.offset, shape: [view.count],
          stride: [1]))
    case .tensor(let tensor):
      return .tensor(
        TorchTensor(
          storage: storages[tensor.view.declaration], offset: tensor.view.offset + tensor.offset,
          shape: tensor.shape, stride: tensor.stride, requiresGradient: tensor.requiresGradient,
          isParameter: tensor.isParameter))
    case .array(let array): return .array(array)
    case .scalar(let scalar): return .numpyScalar(scalar)
    case .numpyType(let type, _): return .numpyType(type)
    case .torchSize(let sizes): return .torchSize(sizes)
    case .torchDevice(let name): return .torchDevice(name)
    case .global(.torchType(let type)): return .torchType(type)
    default: throw refused("\(node.kind) that stands for no value")
    }
  }

  private func tooDeep() -> ArchiveError {
    refused("containers nested more than \(PickleLimits.depth) deep")
  }

  private func refused(_ problem: String) -> ArchiveError {
    .refused(file: program.file, place: program.place, problem: problem)
  }
}
