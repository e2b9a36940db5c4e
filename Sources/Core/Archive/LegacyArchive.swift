/// The container of PyTorch before 1.6: five pickles, then the elements of each storage.
enum LegacyArchive {
  /// The pickle of the number that such files begin with.
  private static let magic: [UInt8] = [
    0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
  ]

  /// Whether `bytes` begin as such a file.
  static func matches(_ bytes: ByteView) -> Bool {
    bytes.slice(0, magic.count)?.array == magic
  }

  static func read(_ bytes: ByteView, file: String) throws -> PickleValue {
    var position = magic.count
    var budget = PickleBudget(streamSize: bytes.count)
    func program(_ part: String) throws -> PickleProgram {
      var reader = PickleReader(
        bytes, file: file, part: part, position: position, budget: budget)
      let program = try reader.run()
      position = program.end
      budget = program.budget
      return program
    }
    let version = try program("protocol version").value(storages: [])
    guard version == .int(1001) else {
      throw ArchiveError.unexpected(
        file: file, place: "protocol version", expected: "1001",
        found: version.integer.map(String.init) ?? version.typeName)
    }
    let system = try plainValue(try program("system information"))
    guard case .bool(let isLittleEndian)? = system["little_endian"] else {
      throw ArchiveError.unexpected(
        file: file, place: "system information", expected: "a dict with 'little_endian'",
        found: system.typeName)
    }
    let object = try program("object")
    let keys = try plainValue(try program("storage keys"))
    let storages = try readStorages(
      object.storages, keys: keys, bytes, position, isBigEndian: !isLittleEndian, file: file)
    return try object.value(storages: storages)
  }

  private static func plainValue(_ program: PickleProgram) throws -> PickleValue {
    guard program.storages.isEmpty else {
      throw ArchiveError.refused(
        file: program.file, place: program.place, problem: "tensors where plain values belong")
    }
    return try program.value()
  }

  /// Reads the elements behind the pickles, in the order of `keys`, up to the end of the file.
  private static func readStorages(
    _ declarations: [StorageDeclaration], keys: PickleValue, _ bytes: ByteView, _ start: Int,
    isBigEndian: Bool, file: String
  ) throws -> [TorchStorage] {
    var position = start
    let order = (keys.items ?? []).compactMap(\.text)
    guard order.count == keys.items?.count, Set(order).count == order.count,
      Set(order) == Set(declarations.map(\.key))
    else {
      throw ArchiveError.damaged(
        file: file, place: "storage keys", problem: "they are not those of the tensors")
    }
    let byKey = Dictionary(uniqueKeysWithValues: declarations.map { ($0.key, $0) })
    var storages: [String: TorchStorage] = [:]
    for case let (key, declaration?) in order.map({ ($0, byKey[$0]) }) {
      let place = "storage '\(key)' at byte \(position)"
      let size = declaration.count * declaration.type.size
      guard bytes.integer(Int64.self, at: position) == Int64(declaration.count),
        let elements = bytes.slice(position + 8, size)
      else {
        throw ArchiveError.damaged(
          file: file, place: place, problem: "\(declaration.count) elements are not there")
      }
      storages[key] = try TorchStorage(
        declaration, bytes: elements, isBigEndian: isBigEndian, file: file, place: place)
      position += 8 + size
    }
    guard position == bytes.count else {
      throw ArchiveError.damaged(
        file: file, place: "byte \(position)", problem: "\(bytes.count - position) bytes too many")
    }
    return declarations.compactMap { storages[$0.key] }
  }
}
