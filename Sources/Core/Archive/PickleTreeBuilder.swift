/// Turns the nodes of a pickle into a value, visiting each node once.
///
/// Shared nodes become values that share storage. Cycles, deep nesting and trees that would be
/// huge with shared parts written out are refused, so that whoever walks the value may recurse.
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

  init(program: PickleProgram, storages: [TorchStorage]) {
    self.program = program
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
    let isShared = program.shared.contains(index)
    if isShared {
      if let built = finished[index] { return built }
      guard open.insert(index).inserted else { throw refused("a container that contains itself") }
    }
    guard depth <= PickleLimits.depth else { throw tooDeep() }
    let built = try container(index, depth: depth)
    guard built.height <= PickleLimits.depth else { throw tooDeep() }
    guard built.size <= PickleLimits.treeSize else {
      throw refused("shared containers that amount to more than \(PickleLimits.treeSize) values")
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
    let flat = try sequence(items, depth) { .list($0) }
    guard case .list(let values) = flat.value else { return ([], flat) }
    var entries: [PickleValue.Entry] = []
    var keys: Set<PickleKey> = []
    entries.reserveCapacity(values.count / 2)
    for start in stride(from: 0, to: values.count - 1, by: 2) {
      guard let key = PickleKey(values[start]) else {
        throw refused("a dict whose key is a \(values[start].typeName)")
      }
      guard keys.insert(key).inserted else {
        throw refused("a dict with the key \(ArchiveError.quoted(key.description)) twice")
      }
      entries.append(PickleValue.Entry(values[start], values[start + 1]))
    }
    return (entries, flat)
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

/// A dictionary key, equal where Python finds keys equal (the int 3 and numpy's int64 3).
private enum PickleKey: Hashable, CustomStringConvertible {
  case none
  case int(Int)
  case number(Double)
  case text(String)
  case bytes([UInt8])
  case tuple([PickleKey])
  case other(String)

  init?(_ value: PickleValue) {
    if let integer = value.integer {
      self = .int(integer)
      return
    }
    switch value {
    case .none: self = .none
    case .bool(let value): self = .int(value ? 1 : 0)
    case .bigInteger(let value): self = .other(value.description)
    case .float(let value): self = Int(exactly: value).map(PickleKey.int) ?? .number(value)
    case .string(let value): self = .text(value)
    case .bytes(let value): self = .bytes(value)
    case .tuple(let items):
      let keys = items.compactMap(PickleKey.init)
      guard keys.count == items.count else { return nil }
      self = .tuple(keys)
    case .numpyScalar(let scalar): self = .other("\(scalar.type.name) \(scalar.bytes)")
    case .torchType(let type): self = .other(type.rawValue)
    case .torchDevice(let name): self = .other("device \(name)")
    default: return nil
    }
  }

  var description: String {
    switch self {
    case .none: "None"
    case .int(let value): "\(value)"
    case .number(let value): PythonFloat.repr(value)
    case .text(let value): "'\(value)'"
    case .bytes: "of bytes"
    case .tuple: "of a tuple"
    case .other(let value): value
    }
  }
}
