import CZlib

/// A zip file without compression, sound in all its checksums.
public enum StoredZip {
  /// An archive of torch's format around `pickle`, with a storage of 256 bytes under key 0.
  public static func archive(pickle: [UInt8]) -> [UInt8] {
    file([
      ("archive/data.pkl", pickle), ("archive/byteorder", Array("little".utf8)),
      ("archive/data/0", (0...255).map { UInt8($0) }), ("archive/version", Array("3\n".utf8)),
    ])
  }

  /// A file of these entries.
  public static func file(_ entries: [(name: String, content: [UInt8])]) -> [UInt8] {
    var (file, directory): ([UInt8], [UInt8]) = ([], [])
    for (name, content) in entries {
      let sum = content.withUnsafeBufferPointer {
        crc32(0, $0.baseAddress, uInt($0.count))
      }
      let fields =
        number(0, 2) + number(0, 2) + number(0, 4) + number(Int(sum), 4)
        + number(content.count, 4) + number(content.count, 4) + number(name.utf8.count, 2)
      directory += [0x50, 0x4b, 1, 2] + number(20, 2) + number(20, 2) + fields
      directory += [UInt8](repeating: 0, count: 12) + number(file.count, 4) + Array(name.utf8)
      file += [0x50, 0x4b, 3, 4] + number(20, 2) + fields + number(0, 2) + Array(name.utf8)
      file += content
    }
    let count = number(entries.count, 2)
    return file + directory + [0x50, 0x4b, 5, 6] + number(0, 4) + count + count
      + number(directory.count, 4) + number(file.count, 4) + number(0, 2)
  }

  private static func number(_ value: Int, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
