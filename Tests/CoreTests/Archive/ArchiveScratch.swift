import Core
import Foundation

/// A folder of its own for one test, removed at the end.
final class ArchiveScratch {
  let folder: String

  init() throws {
    folder = NSTemporaryDirectory() + "fst-archive-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// The path of `name` in the folder.
  func path(_ name: String) -> String { "\(folder)/\(name)" }

  /// A file called `name` with `content`.
  func file(_ name: String, _ content: [UInt8]) throws -> String {
    try Data(content).write(to: URL(fileURLWithPath: path(name)))
    return path(name)
  }

  /// The names of all files in the folder, also hidden ones.
  func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  /// The bytes of the file called `name`.
  func content(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }
}

/// The one-line message that reading `bytes` as an archive ends with, or nil where it loads.
func refusal(of bytes: [UInt8]) -> String? {
  do {
    _ = try TorchArchive.open(ByteView(bytes), file: "test.pt")
    return nil
  } catch {
    return "\(error)"
  }
}

/// Whether `message` is one line that names the file.
func isOneLine(_ message: String) -> Bool {
  !message.contains(where: \.isNewline) && message.contains("test.pt") && message.count < 1000
}
