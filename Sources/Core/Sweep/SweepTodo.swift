import Foundation

/// Why a run folder is not taken over.
public enum SweepError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The model does not do on these images what it did on those it was trained with.
  case otherImages(folder: String, noted: Double, found: Double)
  /// The archive that is to be tested is not the model that the run left.
  case otherModel(path: String, run: String)

  /// One line: the folder, what was expected and found.
  public var description: String {
    switch self {
    case .otherImages(let folder, let noted, let found):
      String(
        format: "%@: attack_df.csv notes a C-ACC of %.4f, but on these images it is %.4f; "
          + "give the --dataset_path of that run, or another --record", folder, noted, found)
    case .otherModel(let path, let run):
      "\(path): expected the model that \(run) left, found another; remove it, and that run is done "
        + "again"
    }
  }
}

/// What is left to do of a group; made on rank 0, it travels between ranks as JSON.
struct SweepTodo: Codable {
  /// Whether the attack's archive is there and whole.
  var attackIsThere: Bool
  /// Whether the attack has no result on disk.
  var attackIsToDo: Bool
  /// What the attacked model does, where that is known.
  var attackMetrics: BackdoorMetrics?
  /// The positions of the tunings to do.
  var tunings: [Int]
  /// The results of those that need not be done, by name, where tests start from them.
  var tested: [String: SweepResult] = [:]
  /// The C-ACC that the attack's frame notes.
  var notedAccuracy: Double?
  /// The runs of the group that have a result on disk.
  var finishedCount: Int

  /// The number of runs to do.
  var count: Int { tunings.count + (attackIsToDo ? 1 : 0) }

  init(_ group: SweepGroup, in results: [String: [SweepResult]]) {
    let attack = group.attack
    let state = SweepAttackState(attack.configuration)
    attackIsThere = state.isFinished
    if case .finished(let accuracy) = state, accuracy.isFinite { notedAccuracy = accuracy }
    attackMetrics = attackIsThere ? attack.result(in: results)?.before : nil
    attackIsToDo = attackMetrics == nil
    tunings = group.tunings.indices.filter { index in
      let tuning = group.tunings[index]
      let isSaved =
        !tuning.configuration.save || FileManager.default.fileExists(atPath: tuning.archive)
      guard let result = tuning.result(of: attack, in: results), isSaved else { return true }
      // What is tested must be known to be the model of that result.
      return result.model == nil && group.tunings.contains { $0.tested?.id == tuning.id }
    }
    for index in group.tunings.indices where !tunings.contains(index) {
      let tuning = group.tunings[index]
      tested[tuning.id] = tuning.result(of: attack, in: results)
    }
    finishedCount = 1 + group.tunings.count - tunings.count - (attackIsToDo ? 1 : 0)
  }

  /// Throws where the attack's frame notes another C-ACC than was found now.
  ///
  /// Other threads or kernels may round a few images to another class; another dataset shows.
  func requireSameImages(_ metrics: BackdoorMetrics, folder: String) throws {
    guard let noted = notedAccuracy, let found = metrics.cleanAccuracy, abs(noted - found) > 0.005
    else { return }
    throw SweepError.otherImages(folder: folder, noted: noted, found: found)
  }
}

extension SweepAttack {
  /// The result on disk of this very run, if it came to one.
  func result(in results: [String: [SweepResult]]) -> SweepResult? {
    outcome(in: results).flatMap { $0.diverged == nil ? $0 : nil }
  }

  /// The same, or that it diverged.
  func outcome(in results: [String: [SweepResult]]) -> SweepResult? {
    results[id]?.first { $0.isOf(settings, defaults: defaults) }
  }
}

extension SweepTuning {
  /// The result on disk of this very run on the result of `attack`, if it came to one.
  func result(of attack: SweepAttack, in results: [String: [SweepResult]]) -> SweepResult? {
    outcome(of: attack, in: results).flatMap { $0.diverged == nil ? $0 : nil }
  }

  /// The same, or that it diverged.
  func outcome(of attack: SweepAttack, in results: [String: [SweepResult]]) -> SweepResult? {
    let (settings, defaults) = (settings(of: attack), defaults(of: attack))
    return results[id]?.first { $0.isOf(settings, defaults: defaults) }
  }
}
