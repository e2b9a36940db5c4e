/// Writes values as a protocol-2 pickle in the way `torch.save` does.
///
/// Only opcodes that `torch.load` accepts by default are used. Texts and constructors are kept in
/// the memo; containers are written out wherever they stand.
struct PickleWriter {
  private var output = LittleEndianBytes()
  private var texts: [String: Int] = [:]
  private var globals: [String: Int] = [:]
  private var memoCount = 0
  /// The storages of the tensors written so far; their keys are 0, 1 and so on.
  private(set) var storages: [TorchStorage] = []
  private var storageIndices: [ObjectIdentifier: Int] = [:]
  /// As many items stand between a mark and its opcode at most, as in Python.
  private static let batchSize = 1000

  init() {
    output.bytes = [PickleOpcode.proto.rawValue, 2]
  }

  /// The finished pickle.
  mutating func finish() -> [UInt8] {
    emit(.stop)
    return output.bytes
  }

  /// Adds `value`; `file` is the path for messages.
  mutating func write(_ value: PickleValue, file: String) throws {
    switch value {
    case .none: emit(.none)
    case .bool(let value): emit(value ? .newTrue : .newFalse)
    case .int(let value): writeInteger(value)
    case .bigInteger(let value):
      emit(.long1)
      output.append(UInt8(value.littleEndian.count))
      output.bytes += value.littleEndian
    case .float(let value):
      emit(.binaryFloat)
      output.append(value.bitPattern.byteSwapped)
    case .string(let value): try writeText(value, file: file)
    case .bytes(let value): try writeBytes(value, file: file)
    case .list(let items):
      emit(.emptyList)
      try writeItems(items, one: .append, many: .appends, file: file)
    case .tuple(let items): try writeTuple(items, file: file)
    case .set(let items): try reduce("__builtin__", "set", [.list(items)], file: file)
    case .dictionary(let entries):
      emit(.emptyDictionary)
      try writeEntries(entries, file: file)
    case .orderedDictionary(let entries, let metadata):
      try reduce("collections", "OrderedDict", [], file: file)
      try writeEntries(entries, file: file)
      guard let metadata else { return }
      try write(
        .dictionary([.init("_metadata", .orderedDictionary(metadata, metadata: nil))]), file: file)
      emit(.build)
    default: try writeObject(value, file: file)
    }
  }

  private mutating func writeObject(_ value: PickleValue, file: String) throws {
    switch value {
    case .tensor(let tensor): try writeTensor(tensor, file: file)
    case .array(let array): try writeArray(array, file: file)
    case .numpyScalar(let scalar):
      try reduce(
        "numpy.core.multiarray", "scalar", [.numpyType(scalar.type), .bytes(scalar.bytes)],
        file: file)
    case .numpyType(let type): try writeNumpyType(type, file: file)
    case .torchSize(let sizes):
      try reduce("torch", "Size", [.tuple(sizes.map { .int(Int64($0)) })], file: file)
    case .torchType(let type): writeGlobal("torch", type.rawValue)
    case .torchDevice(let name):
      let parts = name.split(separator: ":").map(String.init)
      let index = parts.count == 2 ? Int64(parts[1]).map { [PickleValue.int($0)] } ?? [] : []
      try reduce("torch", "device", [.string(parts.first ?? name)] + index, file: file)
    default: preconditionFailure("\(value.typeName) is written elsewhere")
    }
  }

  // MARK: Plain values

  private mutating func writeInteger(_ value: Int64) {
    if let small = UInt8(exactly: value) {
      emit(.uint8)
      output.append(small)
    } else if let medium = UInt16(exactly: value) {
      emit(.uint16)
      output.append(medium)
    } else if let large = Int32(exactly: value) {
      emit(.int32)
      output.append(large)
    } else {
      var bytes = withUnsafeBytes(of: value.littleEndian) { Array($0) }
      let fill: UInt8 = value < 0 ? 0xff : 0
      // Python writes no more bytes than keep the sign.
      while bytes.count > 1, bytes.last == fill, bytes[bytes.count - 2] & 0x80 == fill & 0x80 {
        bytes.removeLast()
      }
      emit(.long1)
      output.append(UInt8(bytes.count))
      output.bytes += bytes
    }
  }

  private mutating func writeText(_ text: String, file: String) throws {
    if let index = texts[text] { return get(index) }
    try writeFreshText(text, file: file)
    texts[text] = put()
  }

  private mutating func writeFreshText(_ text: String, file: String) throws {
    let utf8 = Array(text.utf8)
    guard let count = UInt32(exactly: utf8.count) else {
      throw ArchiveError.unsupported(
        file: file, kind: "an array or text of more than 4 GiB", remedy: "archive less at once")
    }
    emit(.unicode)
    output.append(count)
    output.bytes += utf8
  }

  /// Protocol 2 has no bytes: Python spells them as text whose characters are the bytes.
  private mutating func writeBytes(_ bytes: [UInt8], file: String) throws {
    guard !bytes.isEmpty else { return try reduce("__builtin__", "bytes", [], file: file) }
    writeGlobal("_codecs", "encode")
    var text = ""
    text.unicodeScalars.append(contentsOf: bytes.lazy.map { Unicode.Scalar($0) })
    try writeFreshText(text, file: file)
    try writeText("latin1", file: file)
    emit(.tuple2)
    emit(.reduce)
  }

  // MARK: Containers

  private mutating func writeTuple(_ items: [PickleValue], file: String) throws {
    guard !items.isEmpty else { return emit(.emptyTuple) }
    if items.count > 3 { emit(.mark) }
    for item in items { try write(item, file: file) }
    emit(items.count > 3 ? .tuple : [.tuple1, .tuple2, .tuple3][items.count - 1])
  }

  private mutating func writeItems(
    _ items: [PickleValue], one: PickleOpcode, many: PickleOpcode, file: String
  ) throws {
    for start in stride(from: 0, to: items.count, by: Self.batchSize) {
      let batch = items[start..<min(start + Self.batchSize, items.count)]
      if batch.count > 1 { emit(.mark) }
      for item in batch { try write(item, file: file) }
      emit(batch.count > 1 ? many : one)
    }
  }

  private mutating func writeEntries(_ entries: [PickleValue.Entry], file: String) throws {
    for start in stride(from: 0, to: entries.count, by: Self.batchSize) {
      let batch = entries[start..<min(start + Self.batchSize, entries.count)]
      if batch.count > 1 { emit(.mark) }
      for entry in batch {
        try write(entry.key, file: file)
        try write(entry.value, file: file)
      }
      emit(batch.count > 1 ? .setItems : .setItem)
    }
  }

  // MARK: Constructors

  private mutating func writeGlobal(_ module: String, _ name: String) {
    let line = "\(module)\n\(name)\n"
    if let index = globals[line] { return get(index) }
    emit(.global)
    output.bytes += Array(line.utf8)
    globals[line] = put()
  }

  private mutating func reduce(
    _ module: String, _ name: String, _ arguments: [PickleValue], file: String
  ) throws {
    writeGlobal(module, name)
    try writeTuple(arguments, file: file)
    emit(.reduce)
  }

  private mutating func writeTensor(_ tensor: TorchTensor, file: String) throws {
    if tensor.isParameter {
      writeGlobal("torch._utils", "_rebuild_parameter")
    }
    writeGlobal("torch._utils", "_rebuild_tensor_v2")
    emit(.mark)
    try writeStorage(tensor.storage, file: file)
    writeInteger(Int64(tensor.offset))
    try writeTuple(tensor.shape.map { .int(Int64($0)) }, file: file)
    try writeTuple(tensor.stride.map { .int(Int64($0)) }, file: file)
    emit(tensor.requiresGradient && !tensor.isParameter ? .newTrue : .newFalse)
    try reduce("collections", "OrderedDict", [], file: file)
    emit(.tuple)
    emit(.reduce)
    guard tensor.isParameter else { return }
    emit(tensor.requiresGradient ? .newTrue : .newFalse)
    try reduce("collections", "OrderedDict", [], file: file)
    emit(.tuple3)
    emit(.reduce)
  }

  private mutating func writeStorage(_ storage: TorchStorage, file: String) throws {
    let index = storageIndices[ObjectIdentifier(storage)] ?? storages.count
    if index == storages.count {
      storageIndices[ObjectIdentifier(storage)] = index
      storages.append(storage)
    }
    emit(.mark)
    try writeText("storage", file: file)
    writeGlobal("torch", storage.type.storageName + "Storage")
    try writeText("\(index)", file: file)
    try writeText("cpu", file: file)
    writeInteger(Int64(storage.count))
    emit(.tuple)
    emit(.persistentID)
  }

  private mutating func writeArray(_ array: NumpyArray, file: String) throws {
    // The name of numpy 1, which every numpy since knows.
    writeGlobal("numpy.core.multiarray", "_reconstruct")
    writeGlobal("numpy", "ndarray")
    try write(.tuple([.int(0)]), file: file)
    try writeBytes([UInt8(ascii: "b")], file: file)
    emit(.tuple3)
    emit(.reduce)
    emit(.mark)
    writeInteger(1)
    try writeTuple(array.shape.map { .int(Int64($0)) }, file: file)
    try writeNumpyType(array.type, file: file)
    emit(.newFalse)
    try writeBytes(array.bytes, file: file)
    emit(.tuple)
    emit(.build)
  }

  private mutating func writeNumpyType(_ type: NumpyType, file: String) throws {
    try reduce("numpy", "dtype", [.string(type.code), .bool(false), .bool(true)], file: file)
    let isText = type.kind == .unicode || type.kind == .bytes
    let alignment = type.kind == .unicode ? 4 : 1
    let state: [PickleValue] = [
      .int(3), .string(type.orderMark), .none, .none, .none, .int(isText ? Int64(type.size) : -1),
      .int(isText ? Int64(alignment) : -1), .int(type.kind == .unicode ? 8 : 0),
    ]
    try writeTuple(state, file: file)
    emit(.build)
  }

  // MARK: Opcodes

  private mutating func emit(_ opcode: PickleOpcode) { output.bytes.append(opcode.rawValue) }

  /// Keeps the value on the stack in the memo.
  private mutating func put() -> Int {
    defer { memoCount += 1 }
    if let small = UInt8(exactly: memoCount) {
      emit(.put)
      output.append(small)
    } else {
      emit(.longPut)
      output.append(UInt32(memoCount))
    }
    return memoCount
  }

  private mutating func get(_ index: Int) {
    if let small = UInt8(exactly: index) {
      emit(.get)
      output.append(small)
    } else {
      emit(.longGet)
      output.append(UInt32(index))
    }
  }
}
