import Core
import Foundation
import Synchronization

/// The log of a run, `<folder>/<yyyy_mm_dd_HH_MM_SS>.log`; it owns the open file.
///
/// A run makes its folder itself, so lines wait until it says so (`mayOpen`) and the folder is
/// there. A log that cannot be written is not worth a training run: its lines are dropped.
final class LogFile: Sendable {
  private struct State {
    var waiting: [String] = []
    var file: FileHandle?
    var mayOpen = false
  }

  let folder: String
  private let name: String
  private let state = Mutex(State())

  init(folder: String, started: Date = Date()) {
    self.folder = folder
    name = Self.stamp(started, format: "yyyy_MM_dd_HH_mm_ss") + ".log"
  }

  /// Adds a line with the time of day.
  func append(_ line: String) {
    let stamped = "\(Self.stamp(Date(), format: "yyyy-MM-dd HH:mm:ss")) \(line)\n"
    state.withLock { state in
      state.waiting.append(stamped)
      writeOut(&state)
    }
  }

  /// Opens the log from now on as soon as its folder is there.
  func mayOpen() {
    state.withLock { state in
      state.mayOpen = true
      writeOut(&state)
    }
  }

  private func writeOut(_ state: inout State) {
    if state.file == nil && state.mayOpen { state.file = open() }
    guard let file = state.file, !state.waiting.isEmpty else { return }
    try? file.write(contentsOf: Data(state.waiting.joined().utf8))
    state.waiting = []
  }

  private func open() -> FileHandle? {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder)
    guard exists, isFolder.boolValue else { return nil }
    let path = "\(folder)/\(name)"
    guard let descriptor = try? RegularFile.openOwn(path, O_WRONLY | O_APPEND) else { return nil }
    return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  private static func stamp(_ date: Date, format: String) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = format
    return formatter.string(from: date)
  }
}
