/// What the constructors of `PickleGlobal` build from their arguments.
extension PickleReader {
  /// Runs REDUCE, NEWOBJ, BUILD or BINPERSID.
  mutating func construct(_ opcode: PickleOpcode) throws {
    if opcode == .persistentID { return push(.storage(try storage(try pop()))) }
    let argument = try pop()
    let target = try pop()
    if opcode == .build {
      try build(target, state: argument)
      return stack.append(target)
    }
    guard case .global(let global) = nodes[target] else {
      throw refused("it calls \(nodes[target].kind)")
    }
    guard case .tuple(let arguments) = nodes[argument] else {
      throw damaged("arguments that are \(nodes[argument].kind)")
    }
    push(try reduce(global, arguments))
  }

  private mutating func reduce(_ global: PickleGlobal, _ arguments: [Int]) throws -> PickleNode {
    switch global {
    case .orderedDictionary: return try orderedDictionary(arguments)
    case .counter where arguments.count <= 1: return try counter(arguments)
    case .namespace where arguments.isEmpty: return .dictionary([])
    case .rebuildTensorV2 where (6...7).contains(arguments.count):
      return .tensor(try tensor(arguments, requiresGradient: try bool(arguments[4])))
    case .rebuildTensor where arguments.count == 4:
      return .tensor(try tensor(arguments, requiresGradient: false))
    case .rebuildParameter where arguments.count == 3: return try parameter(arguments)
    case .torchSize where arguments.count == 1: return .torchSize(try integers(arguments[0]))
    case .torchDevice where (1...2).contains(arguments.count): return try device(arguments)
    case .numpyReconstruct where arguments.count == 3:
      guard case .global(.numpyArray) = nodes[arguments[0]] else {
        throw refused("an array of a class other than numpy.ndarray")
      }
      return .unfinishedArray
    case .numpyFromBuffer where (4...5).contains(arguments.count):
      return .array(try arrayOfBuffer(arguments))
    case .numpyScalar where arguments.count == 2:
      return .scalar(try array(shape: [], type: arguments[0], bytes: arguments[1]))
    case .numpyType where (1...3).contains(arguments.count):
      guard let code = text(arguments[0]), let type = NumpyType(code: code) else {
        let code = ArchiveError.quoted(text(arguments[0]) ?? nodes[arguments[0]].kind)
        throw refused("arrays of the numpy type \(code); only numbers and text are read")
      }
      return .numpyType(type, isBigEndian: false)
    case .encode where arguments.count == 2: return .bytes(try latin1(arguments))
    case .bytes where arguments.isEmpty: return .bytes([])
    case .set where arguments.count == 1:
      guard case .list(let items) = nodes[arguments[0]] else { break }
      allowCopy(of: items.count * MemoryLayout<Int>.size)
      return .set(items)
    default: break
    }
    throw refused("\(arguments.count) arguments that do not suit the constructor \(global)")
  }

  // MARK: Containers

  /// `OrderedDict()` or, as Python 2 wrote it, `OrderedDict([[key, value], …])`.
  private mutating func orderedDictionary(_ arguments: [Int]) throws -> PickleNode {
    if arguments.isEmpty { return .orderedDictionary([], metadata: nil) }
    guard arguments.count == 1, case .list(let pairs) = nodes[arguments[0]] else {
      throw damaged("an OrderedDict of something other than a list")
    }
    allowCopy(of: pairs.count * 2 * MemoryLayout<Int>.size)
    let items = try pairs.flatMap { pair in
      switch nodes[pair] {
      case .list(let items) where items.count == 2, .tuple(let items) where items.count == 2: items
      default: throw damaged("an OrderedDict of something other than pairs")
      }
    }
    return .orderedDictionary(items, metadata: nil)
  }

  /// `Counter({item: count, …})`, which schedulers with milestones keep.
  private mutating func counter(_ arguments: [Int]) throws -> PickleNode {
    guard let argument = arguments.first else { return .dictionary([]) }
    guard case .dictionary(let items) = nodes[argument] else {
      throw damaged("a Counter of something other than a dict")
    }
    allowCopy(of: items.count * MemoryLayout<Int>.size)
    return .dictionary(items)
  }

  /// The bytes that protocol 2 spells as text: `_codecs.encode(text, 'latin1')`.
  private mutating func latin1(_ arguments: [Int]) throws -> [UInt8] {
    guard case .string(let content) = nodes[arguments[0]], text(arguments[1]) == "latin1" else {
      throw refused("bytes in an encoding other than latin1")
    }
    allowCopy(of: content.utf8.count)
    guard budget.isKept else { throw refused("it builds far more than it holds") }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(content.utf8.count)
    for scalar in content.unicodeScalars {
      guard let byte = UInt8(exactly: scalar.value) else {
        throw damaged("bytes spelled with the character U+\(String(scalar.value, radix: 16))")
      }
      bytes.append(byte)
    }
    return bytes
  }

  private func device(_ arguments: [Int]) throws -> PickleNode {
    guard let kind = text(arguments[0]) else { throw damaged("a device without a name") }
    guard arguments.count == 2 else { return .torchDevice(kind) }
    return .torchDevice("\(kind):\(try integer(arguments[1]))")
  }

  // MARK: State

  private mutating func build(_ target: Int, state: Int) throws {
    switch nodes[target] {
    case .orderedDictionary(let items, _):
      // Python would update the object's attributes; a state_dict's _metadata is the one we keep.
      guard case .dictionary(let attributes) = nodes[state] else {
        throw damaged("the attributes of an OrderedDict are \(nodes[state].kind)")
      }
      allowCopy(of: attributes.count * MemoryLayout<Int>.size)
      let metadata = stride(from: 0, to: attributes.count - 1, by: 2)
        .first { text(attributes[$0]) == "_metadata" }.map { attributes[$0 + 1] }
      nodes[target] = .orderedDictionary(items, metadata: metadata)
    case .dictionary([]):
      // A namespace of a program's arguments is its attributes.
      guard case .dictionary(let attributes) = nodes[state] else {
        throw damaged("the attributes of a Namespace are \(nodes[state].kind)")
      }
      allowCopy(of: attributes.count * MemoryLayout<Int>.size)
      nodes[target] = .dictionary(attributes)
    case .numpyType(let type, _):
      nodes[target] = .numpyType(type, isBigEndian: try isBigEndian(type, state: state))
    case .unfinishedArray:
      guard case .tuple(let parts) = nodes[state], parts.count == 5 else {
        throw damaged("the state of an array is not (version, shape, type, order, bytes)")
      }
      nodes[target] = .array(
        try array(
          shape: try integers(parts[1]), type: parts[2], bytes: parts[4],
          isColumnMajor: try bool(parts[3])))
    default: throw refused("attributes are set on \(nodes[target].kind)")
    }
  }

  /// Whether the state of a numpy type says big-endian; structured types are refused.
  private func isBigEndian(_ type: NumpyType, state: Int) throws -> Bool {
    guard case .tuple(let parts) = nodes[state], (8...9).contains(parts.count),
      let order = text(parts[1]), ["<", ">", "|", "="].contains(order)
    else { throw damaged("the state of a numpy type is malformed") }
    for part in parts[2...4] {
      guard case .none = nodes[part] else { throw refused("arrays of structured elements") }
    }
    return order == ">"
  }

  /// An array from the parts of its pickle, made row-major and little-endian.
  private mutating func array(
    shape: [Int], type: Int, bytes: Int, isColumnMajor: Bool = false
  ) throws -> NumpyArray {
    guard case .numpyType(let type, let isBigEndian) = nodes[type] else {
      throw damaged("an array without a type")
    }
    let content: [UInt8]
    switch nodes[bytes] {
    case .bytes(let bytes), .rawString(let bytes): content = bytes
    default: throw refused("an array whose elements are \(nodes[bytes].kind)")
    }
    guard shape.count <= TensorGeometry.maximumRank, !shape.contains(where: { $0 < 0 }),
      TensorGeometry.product(shape + [type.size]) == content.count
    else {
      throw damaged("\(content.count) bytes for an array of shape \(shape) and type \(type.name)")
    }
    let mustReorder = isColumnMajor && shape.count > 1 && !content.isEmpty
    guard mustReorder || isBigEndian else {
      return NumpyArray(type: type, shape: shape, bytes: content)
    }
    allowCopy(of: content.count)
    guard budget.isKept else { throw refused("it builds far more than it holds") }
    return NumpyArray(
      type: type, shape: shape,
      bytes: rearranged(content, shape, type, reorder: mustReorder, swap: isBigEndian))
  }

  /// An array of protocol 5: bytes, type, shape, order and, of late, the order of its axes.
  private mutating func arrayOfBuffer(_ arguments: [Int]) throws -> NumpyArray {
    guard let order = text(arguments[3]), ["C", "F"].contains(order) else {
      throw refused("an array whose axes are in neither C nor Fortran order")
    }
    return try array(
      shape: try integers(arguments[2]), type: arguments[1], bytes: arguments[0],
      isColumnMajor: order == "F")
  }

  private func rearranged(
    _ content: [UInt8], _ shape: [Int], _ type: NumpyType, reorder: Bool, swap: Bool
  ) -> [UInt8] {
    var result = content
    result.withUnsafeMutableBytes { output in
      if reorder {
        let strides = Array(TensorGeometry.contiguousStride(shape.reversed()).reversed())
        content.withUnsafeBytes {
          TensorGeometry.gather(
            $0, offset: 0, shape: shape, stride: strides, size: type.size, into: output)
        }
      }
      if swap { TensorGeometry.swapBytes(output, size: type.swapSize) }
    }
    return result
  }

  // MARK: Reading nodes

  /// A text that names something, also a Python 2 string or bytes in UTF-8; nil for long ones of
  /// those, which would be decoded again each time.
  func text(_ index: Int) -> String? {
    switch nodes[index] {
    case .string(let text): text
    case .rawString(let bytes), .bytes(let bytes):
      bytes.count <= PickleLimits.nameSize ? String(validating: bytes, as: UTF8.self) : nil
    default: nil
    }
  }

  func integer(_ index: Int) throws -> Int {
    guard case .int(let value) = nodes[index] else {
      throw damaged("expected an int, found \(nodes[index].kind)")
    }
    return Int(value)
  }

  /// A bool, for which Python 2 wrote 0 or 1.
  func bool(_ index: Int) throws -> Bool {
    switch nodes[index] {
    case .bool(let value): return value
    case .int(0): return false
    case .int(1): return true
    default: throw damaged("expected a bool, found \(nodes[index].kind)")
    }
  }

  /// The ints of a tuple, list or torch.Size, of at most as many items as tensors have dimensions.
  func integers(_ index: Int) throws -> [Int] {
    switch nodes[index] {
    case .tuple(let items), .list(let items):
      guard items.count <= TensorGeometry.maximumRank else {
        throw refused("\(items.count) dimensions")
      }
      return try items.map { try integer($0) }
    case .torchSize(let sizes): return sizes
    default: throw damaged("expected a tuple of ints, found \(nodes[index].kind)")
    }
  }

  /// Counts `count` bytes against what this stream may copy or look through.
  ///
  /// Otherwise a short stream could have one long text decoded over and over.
  private mutating func allowCopy(of count: Int) {
    budget.takeWork(count)
    budget.takeMemory(count)
  }
}
