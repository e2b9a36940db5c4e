import Foundation

/// A run's folder as the run finds it: locked against a second run, with the state to go on from.
///
/// Rank 0 alone claims.
struct RunClaim {
  /// Held until the run ends.
  let lock: FolderLock
  /// What the run goes on from; nil where it starts anew.
  let saved: Checkpoint?

  /// Claims the folder of `checkpoints`; an earlier run in it that is not gone on with is moved
  /// aside, if `isInWay` or if it left checkpoints.
  ///
  /// The rows of a checkpoint must have a value for each of `columns`. Throws `FolderInUse`; `FileError`; unless `resume` is `auto`, why no checkpoint that is there
  /// can be used.
  init(
    _ checkpoints: CheckpointFolder, resume: ResumeMode, identity: RunIdentity, columns: [String],
    isInWay: Bool, observer: any TrainingObserver
  ) throws {
    let claimed = try FolderLock(checkpoints.path)
    RunFolder.removeTemporaryFiles(in: checkpoints.path)
    saved = try Self.usable(checkpoints, resume: resume, observer: observer) {
      try $0.requireSettings(of: identity, path: $1)
      try $0.requireRows(columns, path: $1)
    }
    guard saved == nil, isInWay || !checkpoints.files.isEmpty else {
      lock = claimed
      return
    }
    let place = try RunFolder.moveAside(checkpoints.path)
    claimed.release(in: place)
    observer.observe(.warning("an earlier run stood in the folder; it is \(place) now"))
    lock = try FolderLock(checkpoints.path)
  }

  private static func usable(
    _ checkpoints: CheckpointFolder, resume: ResumeMode, observer: any TrainingObserver,
    requireFit: (Checkpoint, _ path: String) throws -> Void
  ) throws -> Checkpoint? {
    guard resume != .off else { return nil }
    let (saved, refusals) = checkpoints.newestUsable(requireFit)
    if saved == nil, resume == .on, let first = refusals.first { throw first }
    for refusal in refusals { observer.observe(.warning("\(refusal)")) }
    if saved != nil && !refusals.isEmpty {
      observer.observe(.warning("going on from an earlier checkpoint"))
    }
    return saved
  }
}
