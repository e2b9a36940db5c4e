import Core
import Distributed
import Foundation

/// The first lines of a log: what ran, since when, where, and the words it was called with.
enum LogHeader {
  static func lines(started: Date = Date()) -> [String] {
    let build = Build.checksum.map { " (build \(String($0, radix: 16)))" } ?? ""
    return [
      "fst \(FST.configuration.version)\(build), started \(TimeStamp.full(started)), "
        + "process \(getpid()) on \(ProcessInfo.processInfo.hostName)",
      "command: \(CommandLine.arguments.map(quoted).joined(separator: " "))",
    ]
  }

  /// The word as a shell takes it, in one line.
  static func quoted(_ word: String) -> String {
    let plain = word.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic || ("0"..."9").contains($0)
        || "-_./=:,+@%".unicodeScalars.contains($0)
    }
    guard !plain || word.isEmpty else { return word }
    let line = word.map { $0.isNewline ? " " : String($0) }.joined()
    return "'\(line.replacingOccurrences(of: "'", with: "'\\''"))'"
  }
}
