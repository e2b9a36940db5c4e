import Foundation

/// An event file that TensorBoard reads, of one run.
///
/// Events wait in memory until `flush`, which writes whole records: what a killed run leaves can be
/// read to its end.
final class TensorBoardFile {
  private let file: GrowingFile
  private var pending: [UInt8] = []

  /// A new file in `folder`, which is made where it is missing, with the event that all begin with.
  ///
  /// A run that goes on has a file of its own beside the earlier ones: TensorBoard reads all files
  /// of a folder as one run, in the order of the seconds in their names. Throws `FileError`.
  init(in folder: String, now: Date = Date()) throws {
    try RunFolder.create(folder)
    let host = ProcessInfo.processInfo.hostName.replacing("/", with: "-")
    let seconds = String(format: "%010d", Int(now.timeIntervalSince1970))
    let name = "events.out.tfevents.\(seconds).\(host).\(getpid())"
    file = try Self.fresh(PathText.join(folder, name))
    append(TensorBoardEvent(time: now.timeIntervalSince1970, .version))
    do {
      try flush()
    } catch {
      unlink(file.path)
      throw error
    }
  }

  /// Adds an event in memory.
  func append(_ event: TensorBoardEvent) { pending += event.record }

  /// Writes what waits; throws `FileError`.
  func flush() throws {
    guard !pending.isEmpty else { return }
    try file.append(pending)
    pending = []
  }

  /// A new file under the first name that is free, `name` with a number.
  private static func fresh(_ name: String) throws(FileError) -> GrowingFile {
    var number = 0
    while true {
      do throws(FileError) {
        return try GrowingFile("\(name).\(number)", O_EXCL)
      } catch {
        guard error.code == EEXIST else { throw error }
        number += 1
      }
    }
  }
}
