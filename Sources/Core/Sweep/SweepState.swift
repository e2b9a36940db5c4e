import Foundation

/// How far an attack of a sweep has come, by what stands in its run folder.
public enum SweepAttackState: Equatable, Sendable {
  /// Nothing is there.
  case absent
  /// The same run, stopped after so many epochs, or still at work.
  case begun(epochs: Int)
  /// The same run, finished; `cleanAccuracy` is what its frame says of the last epoch.
  case finished(cleanAccuracy: Double)
  /// A run with another setting; a new one moves it aside.
  case other(key: String, found: String, expected: String)

  /// The state of the run folder of `configuration`.
  public init(_ configuration: AttackConfiguration) {
    let folder = configuration.folder
    guard let info = try? InfoFile.read(path: "\(folder)/info.pickle") else {
      self = .absent
      return
    }
    guard let found = AttackConfiguration(info: info)?.decisiveSettings else {
      self = .other(key: "info.pickle", found: "of another program", expected: "of fst")
      return
    }
    let expected = configuration.decisiveSettings
    if let key = expected.keys.sorted().first(where: { found[$0] != expected[$0] }) {
      self = .other(key: key, found: found[key] ?? "nothing", expected: expected[key] ?? "nothing")
      return
    }
    let frame = try? AttackDataFrame.read(path: "\(folder)/attack_df.csv")
    let (rows, columns) = (frame?.rows ?? [], frame?.columns ?? [])
    let known = [AttackDataFrame.attackColumns, AttackDataFrame.crossColumns]
    guard let last = rows.last, known.contains(columns),
      let batches = columns.firstIndex(of: "batch"),
      let accuracy = columns.firstIndex(of: "test_acc"),
      FileManager.default.fileExists(atPath: "\(folder)/attack_result.pt")
    else {
      self = .begun(epochs: rows.count)
      return
    }
    // A row is written after the archive that it speaks of. Who has edited the file may have left
    // anything in it: such a run is not taken for finished.
    guard let steps = Self.steps(rows.map { $0[batches] }) else {
      self = .begun(epochs: rows.count)
      return
    }
    let isWhole = rows.count >= configuration.epochs || steps >= configuration.maxSteps ?? .max
    self =
      isWhole ? .finished(cleanAccuracy: last[accuracy].number) : .begun(epochs: rows.count)
  }

  /// The sum of the counts in `batches`; nil where one of them is no count of batches.
  private static func steps(_ batches: [AttackDataFrame.Value]) -> Int? {
    batches.reduce(0) { sum, value in
      guard let sum, case .count(let count) = value, (0...countLimit).contains(count)
      else { return nil }
      let (next, overflow) = sum.addingReportingOverflow(count)
      return overflow ? nil : next
    }
  }

  /// The share of the training of `configuration` that is still to be done, 0…1.
  public func shareLeft(of configuration: AttackConfiguration) -> Double {
    switch self {
    case .absent, .other: 1
    case .begun(let epochs): 1 - min(Double(epochs) / Double(configuration.epochs), 1)
    case .finished: 0
    }
  }

  /// Whether the archive is there and whole.
  public var isFinished: Bool { if case .finished = self { true } else { false } }
}

/// The runs of a sweep that one call of it is about.
public struct SweepSelection: Sendable {
  /// Only runs whose name this regular expression is found in; nil is all.
  public var only: String?
  /// Of the tasks that share the attacks, with their tunings, the number of this one, from 0.
  public var index = 0
  /// The number of those tasks.
  public var taskCount = 1
  /// Whether attacks are trained; otherwise what is tuned is what is there.
  public var trainsAttacks = true

  /// All runs.
  public init() {}

  /// The groups of `plan` that hold a selected run, with those tunings alone.
  ///
  /// An attack that tunings need belongs to them, whatever `only` says of it, and so does the clean
  /// model that an attack needs. Throws `ConfigError` for what is no regular expression.
  public func groups(of plan: SweepPlan) throws -> [SweepGroup] {
    let share = share(of: plan.groups)
    guard let only else { return share }
    guard let pattern = try? Regex(only) else {
      throw ConfigError.invalidValue(
        key: "only", origin: .flag, expected: "a regular expression", found: "'\(only)'")
    }
    let chosen = share.map { group -> SweepGroup? in
      var group = group
      let isNamed = group.attack.id.contains(pattern)
      group.tunings = SweepTuning.needed(
        group.tunings, by: group.tunings.filter { $0.id.contains(pattern) })
      return isNamed || !group.tunings.isEmpty ? group : nil
    }
    let cleanModels =
      chosen.compactMap { $0?.attack.configuration.cleanModelPath }
      + chosen.flatMap { $0?.tunings ?? [] }.compactMap(\.cleanModelPath)
    return zip(share, chosen).compactMap { group, chosen in
      let isNeeded = cleanModels.contains("\(group.attack.configuration.folder)/attack_result.pt")
      return chosen ?? (isNeeded ? SweepGroup(attack: group.attack, tunings: []) : nil)
    }
  }

  /// This task's groups; the attacks that need one clean model are one task's, so that it is trained
  /// once.
  private func share(of groups: [SweepGroup]) -> [SweepGroup] {
    let seeds = Set(
      groups.map(\.attack.configuration).filter(\.needsCleanModel).map(\.randomSeed))
    var units: [String] = []
    return groups.filter { group in
      let attack = group.attack.configuration
      let isCleanModel = attack.poisonRatio == 0 && seeds.contains(attack.randomSeed)
      let unit =
        attack.needsCleanModel || isCleanModel
        ? "clean model \(attack.randomSeed)" : group.attack.id
      if !units.contains(unit) { units.append(unit) }
      return units.firstIndex(of: unit).map { $0 % taskCount } == index
    }
  }
}

/// What of a group is finished, for a list of runs.
public struct SweepStatus: Sendable {
  /// The state of the attack's run folder.
  public let attack: SweepAttackState
  /// Of each tuning, whether it need not be done.
  public let tuningsAreFinished: [Bool]

  /// The status of `group` with the `results` on disk.
  public init(_ group: SweepGroup, results: [String: [SweepResult]]) {
    attack = SweepAttackState(group.attack.configuration)
    let todo = SweepTodo(group, in: results)
    tuningsAreFinished = group.tunings.indices.map { !todo.tunings.contains($0) }
  }
}
