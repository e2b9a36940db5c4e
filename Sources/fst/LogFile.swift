import Core
import Foundation
import Synchronization

/// The log of a run, `<folder>/<yyyy_mm_dd_HH_MM_SS>.log`; it owns the open file.
///
/// Each run writes a file of its own, that of a resumed run's next part too. A run makes its folder
/// itself, so lines wait until it says so (`mayOpen`) and the folder is there. A log that cannot be
/// written is not worth a training run: its lines are dropped.
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
    name = TimeStamp.text(started, format: "yyyy_MM_dd_HH_mm_ss")
  }

  /// Adds a line with the time of day.
  func append(_ line: String) {
    let time = TimeStamp.text(Date(), format: "yyyy-MM-dd HH:mm:ss")
    state.withLock { state in
      state.waiting.append("\(time) \(line)\n")
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

  /// A new file, never another run's of the same second, nor what a link points to.
  private func open() -> FileHandle? {
    for ending in [".log"] + (2...99).map({ "-\($0).log" }) {
      let flags = O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC
      let descriptor = Foundation.open("\(folder)/\(name)\(ending)", flags, 0o666)
      if descriptor >= 0 { return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true) }
      guard errno == EEXIST else { return nil }
    }
    return nil
  }
}
