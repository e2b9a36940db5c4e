import Foundation

/// The checkpoints in a run's folder: the newest usable one is found by reading, the last few stay.
///
/// Each is a file of its own, `checkpoint-<epochs>-<samples>.pt`, so that a save never touches the
/// state saved before it. No link says which one is the last: a link may point to a torn file.
public struct CheckpointFolder: Sendable {
  /// The run's folder.
  public let path: String
  /// The number of checkpoints that stay, at least 1.
  public let keep: Int

  /// The checkpoints of the run in `path`, of which the last `keep` stay.
  public init(path: String, keep: Int) {
    precondition(keep > 0, "\(keep) checkpoints are to be kept")
    self.path = path
    self.keep = keep
  }

  /// The checkpoint files, the newest first, whatever they hold.
  public var files: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.compactMap { name in Self.place(of: name).map { (name, $0) } }
      .sorted { $0.1 > $1.1 }.map { "\(path)/\($0.0)" }
  }

  /// Writes `checkpoint` atomically, then removes all but the last `keep`.
  public func write(_ checkpoint: Checkpoint) throws {
    let name = String(format: "checkpoint-%06d-%09d.pt", checkpoint.epochs, checkpoint.samples)
    try checkpoint.write(to: "\(path)/\(name)")
    prune(to: keep)
  }

  /// Removes all but the last `count`.
  public func prune(to count: Int) {
    for file in files.dropFirst(count) { unlink(file) }
  }

  /// The newest checkpoint that can be read and for which `requireFit` does not throw.
  ///
  /// `refusals` are the lines of those that were newer, in that order; they are put out of the way
  /// as `<name>.refused` where an older one is found.
  func newestUsable(
    _ requireFit: (Checkpoint, _ path: String) throws -> Void
  ) -> (checkpoint: Checkpoint?, refusals: [any Error]) {
    var refusals: [(file: String, error: any Error)] = []
    for file in files {
      do {
        let checkpoint = try Checkpoint.read(path: file)
        try requireFit(checkpoint, file)
        for refusal in refusals { rename(refusal.file, "\(refusal.file).refused") }
        return (checkpoint, refusals.map(\.error))
      } catch {
        refusals.append((file, error))
      }
    }
    return (nil, refusals.map(\.error))
  }

  /// Epochs and samples out of a file's name; nil where it is no checkpoint's.
  private static func place(of name: String) -> (Int, Int)? {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "checkpoint", parts[2].hasSuffix(".pt"),
      let epochs = Int(parts[1]), let samples = Int(parts[2].dropLast(3))
    else { return nil }
    return (epochs, samples)
  }
}
