/// Storages and tensors in the pickles of torch archives.
extension PickleReader {
  /// The storage of a persistent id ('storage', class, key, location, count, view).
  ///
  /// The location (`cpu`, `cuda:0`) is of no use here. Old files add None or (key, offset, count).
  mutating func storage(_ index: Int) throws -> PickleNode.View {
    guard case .tuple(let parts) = nodes[index], let first = parts.first,
      let kind = text(first)
    else { throw damaged("a persistent id that is \(nodes[index].kind)") }
    guard kind == "storage" else {
      throw refused(
        "a persistent id of kind '\(ArchiveError.quoted(kind))'; only storages are read")
    }
    guard (5...6).contains(parts.count), case .global(.storage(let type)) = nodes[parts[1]],
      let key = text(parts[2]), text(parts[3]) != nil
    else { throw damaged("a persistent id that is not (storage, class, key, location, count)") }
    let count = try integer(parts[4])
    guard count >= 0, !count.multipliedReportingOverflow(by: type.size).overflow else {
      throw damaged("a storage of \(count) elements")
    }
    let whole = try declare(StorageDeclaration(key: key, type: type, count: count))
    guard parts.count == 6 else { return whole }
    return try part(of: whole, metadata: parts[5])
  }

  private mutating func declare(_ declaration: StorageDeclaration) throws -> PickleNode.View {
    let key = declaration.key
    guard !key.isEmpty, key.utf8.count <= 64, key.utf8.allSatisfy({ isKeyCharacter($0) }) else {
      throw refused("the storage key '\(ArchiveError.quoted(key))'")
    }
    if let index = storageIndices[key] {
      guard storages[index] == declaration else {
        throw refused("the storage '\(key)' with two types or sizes")
      }
      return PickleNode.View(declaration: index, offset: 0, count: declaration.count)
    }
    budget.takeMemory(PickleCost.storage)
    storages.append(declaration)
    storageIndices[key] = storages.count - 1
    return PickleNode.View(declaration: storages.count - 1, offset: 0, count: declaration.count)
  }

  private func isKeyCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private func part(of whole: PickleNode.View, metadata: Int) throws -> PickleNode.View {
    if case .none = nodes[metadata] { return whole }
    guard case .tuple(let fields) = nodes[metadata], fields.count == 3 else {
      throw damaged("the view of a storage is not (key, offset, count)")
    }
    let offset = try integer(fields[1])
    let count = try integer(fields[2])
    guard offset >= 0, count >= 0, offset <= whole.count, count <= whole.count - offset else {
      throw damaged("elements \(offset) to \(offset) + \(count) of a storage of \(whole.count)")
    }
    return PickleNode.View(declaration: whole.declaration, offset: offset, count: count)
  }

  /// A tensor of (storage, offset, shape, stride, …).
  func tensor(_ arguments: [Int], requiresGradient: Bool) throws -> PickleNode.Tensor {
    guard case .storage(let view) = nodes[arguments[0]] else {
      throw damaged("a tensor whose storage is \(nodes[arguments[0]].kind)")
    }
    let offset = try integer(arguments[1])
    let shape = try integers(arguments[2])
    let stride = try integers(arguments[3])
    if let problem = TensorGeometry.problem(
      offset: offset, shape: shape, stride: stride, count: view.count)
    {
      throw refused("an unsound tensor: \(problem)")
    }
    return PickleNode.Tensor(
      view: view, offset: offset, shape: shape, stride: stride, requiresGradient: requiresGradient)
  }

  /// A parameter of (tensor, requires_grad, hooks).
  func parameter(_ arguments: [Int]) throws -> PickleNode {
    guard case .tensor(var tensor) = nodes[arguments[0]] else {
      throw damaged("a parameter of \(nodes[arguments[0]].kind)")
    }
    tensor.requiresGradient = try bool(arguments[1])
    tensor.isParameter = true
    return .tensor(tensor)
  }
}
