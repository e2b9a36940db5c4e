import Core
import Foundation
import Synchronization

/// Standard error, written at once.
///
/// What cannot be written is dropped: a log that is full, closed or
/// read by nobody is not worth a training run.
enum StandardError {
  /// Whether a person sees it rather than a file or a launcher.
  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// Writes `text` as it is, with the codes that draw a bar.
  static func write(_ text: String) { _ = Descriptor.write(text, to: STDERR_FILENO) }

  /// Writes `text` as a line, nothing of it raw.
  static func line(_ text: String) { write(text.printable() + "\n") }
}

/// Standard output: results, of which none may be lost without a word.
///
/// It keeps why the first write failed; `finish` tells, and makes it the exit status.
enum StandardOutput {
  private static let failure = Mutex<Int32?>(nil)

  /// Writes `text`; after a failure nothing more.
  static func write(_ text: String) {
    failure.withLock { number in
      if number == nil { number = Descriptor.write(text, to: STDOUT_FILENO) }
    }
  }

  /// Writes `text` and a line feed, names from files escaped.
  static func line(_ text: String) { write(text.printable(keepingLines: true) + "\n") }

  /// Writes one line of JSON, names from files escaped as JSON does it.
  static func json(_ text: String) { write(text.printableJSON + "\n") }

  /// The status to end with instead of `status`: 1 where a part of the result was not written.
  ///
  /// That is told in a line, unless the reader is gone, as that of `fst inspect … | head -1`.
  static func finish(_ status: Int32) -> Int32 {
    let number = failure.withLock { $0 }
    guard let number, status == 0 else { return status }
    if number != EPIPE {
      Ending.say("cannot write standard output: \(String(cString: strerror(number)))")
    }
    return ExitStatus.failure
  }
}

/// Prints a result's line; it takes the place of Swift's `print`, which drops errors.
func print(_ text: String) { StandardOutput.line(text) }

/// Prints names with what they are, one below the other.
func printLines(_ lines: [(name: String, summary: String)]) {
  let width = (lines.map(\.name.count).max() ?? 0) + 2
  for line in lines {
    print(line.name.padding(toLength: width, withPad: " ", startingAt: 0) + line.summary)
  }
}

/// The process's descriptors.
enum Descriptor {
  /// Makes the standard streams what the program takes for granted.
  ///
  /// A closed stream's number would go to the next file that is opened, and messages into that file.
  static func prepare() {
    signal(SIGPIPE, SIG_IGN)  // a gone reader is then an error of the write
    for number in STDIN_FILENO...STDERR_FILENO where fcntl(number, F_GETFD) < 0 {
      _ = open("/dev/null", O_RDONLY)  // the lowest free number; writing to it fails
    }
  }

  /// Writes all of `text`, and gives the error's number where that fails.
  static func write(_ text: String, to descriptor: Int32) -> Int32? {
    var text = text
    return text.withUTF8 { bytes in
      var written = 0
      while written < bytes.count, let start = bytes.baseAddress {
        let count = Foundation.write(descriptor, start + written, bytes.count - written)
        if count >= 0 {
          written += count
        } else if errno == EAGAIN {
          var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          poll(&wait, 1, -1)
        } else if errno != EINTR {
          return errno
        }
      }
      return nil
    }
  }
}
