import Core
import Foundation
import Synchronization

/// Who watches a run: the terminal or plain lines on standard error, and the run's log file.
enum Progress {
  /// The observer of a run whose folder, if it has one, gets the log.
  static func observer(logFolder: String?) -> any TrainingObserver {
    let shown: any TrainingObserver =
      StandardError.isTerminal
      ? TerminalProgress() : PlainProgress { StandardError.line($0) }
    guard let logFolder else { return shown }
    let log = LogFile(folder: logFolder)
    LogHeader.lines().forEach { log.append($0) }
    let written = PlainProgress(detailed: true) { log.append($0) }
    return CombinedObserver(observers: [shown, written, LogOpener(log: log)])
  }

  /// That observer, and `records` of the run where there are any.
  static func observers(
    logFolder: String?, and records: OpenRecords?
  ) -> [any TrainingObserver] {
    [observer(logFolder: logFolder)] + [records].compactMap { $0 }
  }

  /// Ends a bar that stands unfinished on the terminal, so that the next line starts on its own.
  static func finishLine() { TerminalProgress.clear() }
}

/// Lets the log be opened once the run says that its folder is its own.
///
/// Lines come before, while an earlier run may still stand in that folder.
private struct LogOpener: TrainingObserver {
  let log: LogFile

  func observe(_ event: TrainingEvent) {
    if case .claimed(let folder) = event, folder == log.folder { log.mayOpen() }
  }
}

/// Tells several observers of everything.
struct CombinedObserver: TrainingObserver {
  let observers: [any TrainingObserver]

  func observe(_ event: TrainingEvent) { observers.forEach { $0.observe(event) } }
}

/// Progress as whole lines, for files and launchers: one an epoch, and one every ten seconds
/// within; notes for a log too.
final class PlainProgress: TrainingObserver {
  private static let interval: Duration = .seconds(10)
  private let write: @Sendable (String) -> Void
  private let lastLine = Mutex(ContinuousClock.now)

  private let isDetailed: Bool
  private let pace = Pace()

  /// Progress through `write`; where `detailed`, as a log is, with notes and each epoch's timing.
  init(detailed: Bool = false, write: @escaping @Sendable (String) -> Void) {
    isDetailed = detailed
    self.write = write
  }

  func observe(_ event: TrainingEvent) {
    let left = pace.secondsLeft(event)
    guard isDue(event), let line = ProgressLine.plain(event, secondsLeft: left) else { return }
    write(line)
    if isDetailed, case .epoch(let summary) = event, let timing = summary.timing {
      write(TimingLine.of(timing, epoch: summary.epoch))
    }
  }

  private func isDue(_ event: TrainingEvent) -> Bool {
    let now = ContinuousClock.now
    return lastLine.withLock { last in
      switch event {
      case .step, .evaluating, .embedding, .working:
        guard now - last >= Self.interval else { return false }
      case .note: return isDetailed
      case .measured, .picture: return false
      case .message, .warning, .claimed, .epoch: break
      }
      last = now
      return true
    }
  }
}

/// Progress on a terminal: one line redrawn at most ten times a second, above it what is to stay.
final class TerminalProgress: TrainingObserver {
  private static let interval: Duration = .milliseconds(100)
  private static let barIsDrawn = Mutex(false)
  private let lastDrawn = Mutex<ContinuousClock.Instant?>(nil)
  private let pace = Pace()

  func observe(_ event: TrainingEvent) {
    let left = pace.secondsLeft(event)
    switch event {
    case .step, .evaluating, .embedding, .working:
      guard isDue() else { return }
      Self.barIsDrawn.withLock { drawn in
        let bar = ProgressLine.bar(event, columns: Self.columns - 1, secondsLeft: left)
        StandardError.write("\r\(bar)\u{1B}[K")
        drawn = true
      }
    case .note, .measured, .picture: break
    case .message, .warning, .claimed, .epoch:
      guard let line = ProgressLine.plain(event) else { return }
      Self.clear()
      StandardError.line(line)
    }
  }

  /// Removes the bar, if one stands there.
  static func clear() {
    barIsDrawn.withLock { drawn in
      if drawn { StandardError.write("\r\u{1B}[K") }
      drawn = false
    }
  }

  private func isDue() -> Bool {
    let now = ContinuousClock.now
    return lastDrawn.withLock { last in
      if let last, now - last < Self.interval { return false }
      last = now
      return true
    }
  }

  /// The terminal's width in characters: `COLUMNS`, else what the terminal says, else 80.
  private static var columns: Int {
    if let given = ProcessInfo.processInfo.environment["COLUMNS"].flatMap({ Int($0) }), given > 0 {
      return given
    }
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}
