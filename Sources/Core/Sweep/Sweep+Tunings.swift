// What a sweep does with an attack's model: tunings, defences, and tests of what they have left.

extension Sweep {
  /// Does those of `group` that are to do, each test after what it tests.
  func tune(_ group: SweepGroup, _ todo: SweepTodo, _ subject: TuningSubject) throws {
    var results = todo.tested
    for index in todo.tunings where try !isStopped() {
      let run = group.tunings[index]
      let tested = run.tested.flatMap { results[$0.id] }
      let isRetuned = run.retuned.map { results[$0.id] != nil } ?? true
      guard run.tested == nil || tested != nil && isRetuned else {
        outcome.waiting += 1
        continue
      }
      let before = tested?.after ?? subject.known ?? BackdoorMetrics()
      let result = try attempt(run.id, diverged: result(of: run, group.attack, before)) {
        let own = try tested.map { try self.subject(of: run, left: $0, like: subject) } ?? subject
        return try perform(run, of: group.attack, on: own)
      }
      if let result = result ?? nil { results[run.id] = result }
    }
  }

  /// The model that the run of `result` has left, with the images of `subject`.
  private func subject(
    of run: SweepTuning, left result: SweepResult, like subject: TuningSubject
  ) throws -> TuningSubject {
    let left = try TuningSubject(
      run.configuration.archivePath, like: subject, known: result.after,
      communicator: communicator)
    let found = left.attacked.model.store.fingerprint
    try communicator.together {
      guard result.model != found else { return }
      throw SweepError.otherModel(path: run.configuration.archivePath, run: result.id)
    }
    return left
  }

  /// Does one run; nil where it was interrupted.
  private func perform(
    _ run: SweepTuning, of attack: SweepAttack, on subject: TuningSubject
  ) throws -> SweepResult? {
    let name = heading(run.id)
    let result = try self.outcome(of: run, on: subject)
    guard result.stopped == nil else {
      outcome.isStopped = true
      return nil
    }
    var kept = self.result(of: run, attack, result.before)
    (kept.after, kept.seconds, kept.model) = (result.after, result.seconds, result.model)
    if run.configuration.choosesAlpha { kept.alpha = result.alpha }
    try keep(kept)
    let alpha = kept.alpha.map { ", alpha \($0)" } ?? ""
    tell("\(name): \(SweepTable.line(result))\(alpha)")
    return kept
  }

  private func outcome(of run: SweepTuning, on subject: TuningSubject) throws -> TuneOutcome {
    let observer = QuietObserver(general)
    return switch run.method {
    case .tuning(let tuning):
      try FineTuning(
        tuning, communicator: communicator, observer: observer, interruption: interruption
      ).run(on: subject)
    case .defence(let defence):
      try Defending(
        defence, communicator: communicator, observer: observer, interruption: interruption
      ).run(on: subject)
    }
  }

  /// The result of a run on a model that does `before`.
  private func result(
    of run: SweepTuning, _ attack: SweepAttack, _ before: BackdoorMetrics
  ) -> SweepResult {
    SweepResult(
      id: run.id, settings: run.settings(of: attack), before: before, seconds: nil,
      folder: attack.configuration.folder,
      threads: ThreadCount.resolve(requested: run.configuration.threads),
      communicator: communicator)
  }
}
