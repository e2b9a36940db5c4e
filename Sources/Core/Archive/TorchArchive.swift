import Foundation

/// Reads and writes the files of `torch.save`, never running anything they hold.
///
/// Both containers are read, the zip file of PyTorch 1.6 and later and the older pickle stream, and
/// files of the safetensors library beside them.
/// Written is the zip file of PyTorch 2.6 and later, byte for byte in its layout.
public enum TorchArchive {
  /// What kind of file an archive is.
  public enum Container: String, Sendable {
    case zip
    case legacy
    case safetensors
  }

  /// The value in the archive at `path`.
  /// - Throws: `ArchiveError`, one line.
  public static func read(path: String) throws -> PickleValue {
    try open(path: path).value
  }

  /// The value in the archive at `path`, and the kind of container it was in.
  /// - Throws: `ArchiveError`, one line.
  public static func open(path: String) throws -> (value: PickleValue, container: Container) {
    let bytes = try ByteView(mapping: path)
    return try open(bytes, file: path)
  }

  /// The value in the archive `bytes`; `file` is the path for messages.
  package static func open(
    _ bytes: ByteView, file: String
  ) throws -> (value: PickleValue, container: Container) {
    if bytes.integer(UInt32.self, at: 0) == 0x0403_4b50 {
      return (try TorchZip.read(bytes, file: file), .zip)
    }
    if LegacyArchive.matches(bytes) {
      return (try LegacyArchive.read(bytes, file: file), .legacy)
    }
    if SafeTensors.matches(bytes) {
      return (try SafeTensors.read(bytes, file: file), .safetensors)
    }
    if bytes.slice(257, 5)?.equals("ustar") == true {
      throw ArchiveError.unsupported(
        file: file, kind: "a tar archive of PyTorch before 0.1.10",
        remedy: "load and save it again with a newer PyTorch")
    }
    if bytes.count == 0 { throw ArchiveError.notAnArchive(file: file, found: "is empty") }
    let start = (0..<min(4, bytes.count)).compactMap { bytes[$0] }
      .map { String(format: "%02x", $0) }.joined(separator: " ")
    throw ArchiveError.notAnArchive(
      file: file, found: "begins with \(start), no zip file, torch's older format or safetensors")
  }

  /// Writes `value` to `path` atomically, in the layout of PyTorch 2.6 and later.
  ///
  /// - Parameter archiveName: the directory inside the zip file; by default the file's name without
  ///   its last extension, as PyTorch has it.
  /// - Throws: `ArchiveError` or `FileError`; the file at `path` is then unchanged.
  public static func write(
    _ value: PickleValue, to path: String, archiveName: String? = nil
  ) throws {
    let name = PathText.stem(of: path)
    try AtomicFile.write(to: path) { file in
      var pickle = PickleWriter()
      try pickle.write(value, file: path)
      var zip = ZipWriter(file, prefix: archiveName ?? name, file: path)
      try zip.add("data.pkl", pickle.finish())
      try zip.add(".format_version", Array("1".utf8))
      try zip.add(".storage_alignment", Array("64".utf8))
      try zip.add("byteorder", Array("little".utf8))
      for (index, storage) in pickle.storages.enumerated() {
        try storage.withBytes { try zip.add("data/\(index)", $0) }
      }
      try zip.add("version", Array("3\n".utf8))
      try zip.finish()
    }
  }
}

/// The zip container of torch archives.
enum TorchZip {
  static func read(_ bytes: ByteView, file: String) throws -> PickleValue {
    var zip = try ZipReader(bytes, file: file)
    guard !zip.contains("constants.pkl") else {
      throw ArchiveError.unsupported(
        file: file, kind: "a TorchScript program",
        remedy: "save the model's state_dict with torch.save")
    }
    try checkVersion(&zip, file: file)
    let isBigEndian = try readByteOrder(&zip, file: file)
    guard let pickle = try zip.read("data.pkl") else {
      throw ArchiveError.damaged(file: file, place: "zip", problem: "there is no record 'data.pkl'")
    }
    var reader = PickleReader(pickle, file: file, part: "data.pkl")
    let program = try reader.run()
    try program.requireEnd(of: pickle)
    let storages = try program.storages.map {
      try storage($0, &zip, isBigEndian: isBigEndian, file: file)
    }
    return try program.value(storages: storages)
  }

  private static func checkVersion(_ zip: inout ZipReader, file: String) throws {
    guard let record = try zip.read("version") ?? zip.read(".data/version") else {
      throw ArchiveError.damaged(file: file, place: "zip", problem: "there is no record 'version'")
    }
    let text = record.count <= 16 ? record.text ?? "" : ""
    let version = Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
    guard let version, (1...10).contains(version) else {
      throw ArchiveError.unexpected(
        file: file, place: "record 'version'", expected: "1 to 10",
        found: version.map(String.init) ?? "'\(ArchiveError.quoted(text))'")
    }
  }

  private static func readByteOrder(_ zip: inout ZipReader, file: String) throws -> Bool {
    guard let record = try zip.read("byteorder") else { return false }
    if record.equals("little") { return false }
    if record.equals("big") { return true }
    throw ArchiveError.unexpected(
      file: file, place: "record 'byteorder'", expected: "little or big", found: "another text")
  }

  private static func storage(
    _ declaration: StorageDeclaration, _ zip: inout ZipReader, isBigEndian: Bool, file: String
  ) throws -> TorchStorage {
    let place = "record 'data/\(declaration.key)'"
    guard let bytes = try zip.read("data/\(declaration.key)") else {
      throw ArchiveError.damaged(file: file, place: place, problem: "it is missing")
    }
    return try TorchStorage(
      declaration, bytes: bytes, isBigEndian: isBigEndian, file: file, place: place)
  }
}

extension TorchStorage {
  /// The storage that `declaration` announces, from `bytes` in the file's byte order.
  convenience init(
    _ declaration: StorageDeclaration, bytes: ByteView, isBigEndian: Bool, file: String,
    place: String
  ) throws {
    let expected = declaration.count * declaration.type.size
    guard bytes.count == expected else {
      throw ArchiveError.unexpected(
        file: file, place: place,
        expected: "\(expected) bytes (\(declaration.count) x \(declaration.type))",
        found: "\(bytes.count)")
    }
    var content = bytes
    if isBigEndian {
      content = ByteView(
        ByteBlock(count: bytes.count) { output in
          bytes.withBytes { output.copyMemory(from: $0) }
          TensorGeometry.swapBytes(output, size: declaration.type.swapSize)
        })
    }
    self.init(type: declaration.type, count: declaration.count, bytes: content)
  }
}
