import Distributed
import Foundation

/// What is looked at while a run trains: replicas, times by rank and host, and the timeline.
public struct TrainingWatch {
  /// Takes the times.
  public let timer: StepTimer
  /// Looks whether all ranks hold the same model.
  public let replicas: ReplicaWatch

  private let communicator: any Communicator
  private let timelinePath: String?
  private let clock: ClockOffset

  /// A watch over the training that `step` does; all ranks make it together.
  ///
  /// A `timeline` goes to that file at `finish`; that it cannot be written there is found out here.
  public init(_ step: any TrainingStep, checkReplicas: Int = 0, timeline: String? = nil) throws {
    let communicator = step.communicator
    self.communicator = communicator
    timer = step.timer
    replicas = ReplicaWatch(
      step.learners, communicator: communicator, interval: checkReplicas)
    timelinePath = timeline
    guard let timeline else {
      clock = ClockOffset(seconds: 0, error: 0)
      return
    }
    try communicator.onRankZero { try Self.requireWritable(timeline) }
    timer.keepSpans(limit: Timeline.limit(worldSize: communicator.worldSize))
    clock = try communicator.clockOffset { SpanBuffer.origin.duration(to: .now).seconds }
  }

  /// What the epoch's steps took on all ranks, by one small all-gather; all ranks call it.
  func epochEnded() throws -> EpochTiming {
    struct Note: Codable {
      var host: String
      var totals: StepTotals
    }
    let note = Note(host: communicator.hostName, totals: timer.takeTotals())
    let notes = try communicator.allGather(Array(try JSONEncoder().encode(note)))
      .map { try JSONDecoder().decode(Note.self, from: Data($0)) }
    return EpochTiming(
      steps: note.totals.steps,
      ranks: notes.enumerated().map { rank, note in
        let steps = Double(max(note.totals.steps, 1))
        return EpochTiming.Rank(
          rank: rank, host: note.host, lastGradient: note.totals.lastGradient / steps,
          load: note.totals.load / steps, wait: note.totals.wait / steps)
      })
  }

  /// Writes the timeline, if one was asked for; all ranks call it, also after an interruption.
  ///
  /// Returns lines that the user should not overlook.
  func finish() throws -> [String] {
    guard let timelinePath, let spans = timer.spans else { return [] }
    let timeline = try Timeline.gather(spans, clock: clock, on: communicator)
    try communicator.onRankZero { try timeline.write(to: timelinePath) }
    return timeline.cuts.map { "\(timelinePath): \($0)" }
  }

  private static func requireWritable(_ path: String) throws {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    if exists && isFolder.boolValue {
      throw FileError(operation: "write", path: path, code: EISDIR)
    }
    guard access(PathText.folder(of: path), W_OK) == 0 else {
      throw FileError(operation: "write", path: path, code: errno)
    }
    try JSONPlace.require(path)
  }
}
