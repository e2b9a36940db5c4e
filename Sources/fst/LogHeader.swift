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
      "command: \(CommandLine.arguments.map(ShellWord.quoted).joined(separator: " "))",
    ]
  }
}
