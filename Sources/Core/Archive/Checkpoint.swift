import Distributed

/// What a checkpoint cannot be used for.
public enum CheckpointError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file is an archive, but no checkpoint of this program.
  case notACheckpoint(path: String)
  /// The content is not what was saved.
  case altered(path: String)
  /// The content is what was saved, but no run comes to it.
  case impossible(path: String, problem: String)
  /// The run that saved it had another setting.
  case settingDiffers(path: String, key: String, saved: String, now: String)

  /// One line: the file, what was expected and found.
  public var description: String {
    switch self {
    case .notACheckpoint(let path):
      "\(path): expected a checkpoint of fst, found another archive"
    case .altered(let path):
      "\(path) is damaged: its content does not give the checksum it was saved with"
    case .impossible(let path, let problem):
      "\(ArchiveError.quoted(path)) is damaged: \(ArchiveError.quoted(problem))"
    case .settingDiffers(let path, "data", _, _):
      "\(path): cannot resume: the images, labels or triggers are not those of the interrupted run; "
        + "give it the same data and trigger settings, or start anew without --resume"
    case .settingDiffers(let path, "attacked_model", _, _):
      "\(path): cannot resume: the attacked model is not that of the interrupted run; "
        + "start anew without --resume"
    case .settingDiffers(let path, let key, let saved, let now):
      "\(path): cannot resume: \(key) was \(saved) and is \(now) now; "
        + "give the earlier value, or start anew without --resume"
    }
  }
}

/// A learner beside the classifier, as a checkpoint keeps it.
public struct LearnerState: Sendable {
  /// What the step calls it.
  public var name: String
  /// Its parameters and running statistics.
  public var model: StateDict
  /// What its optimizer remembers, one value after the other: [a multiple of the parameters].
  public var memory: [Float]
  /// Steps that its optimizer has begun.
  public var optimizerSteps: Int
}

/// A training run as it stands between two steps: enough to go on with the same bits.
///
/// A torch archive too: a dict of format, version, epochs, samples, world_size, bucket_layout,
/// settings (the seed among them) and their hash, counts, model (state_dict), velocity (one float
/// for each parameter, in this program's own order), the other learners with what their optimizers
/// remember, the rows of the run's frame so far, the epochs' losses where the learning rate follows
/// them, and a checksum of all that. Every random draw is keyed by epoch and image, so that no
/// generator's state belongs to it.
public struct Checkpoint: Sendable {
  /// Epochs finished.
  public var epochs: Int
  /// Images taken of the epoch after those, over all ranks.
  public var samples: Int
  /// What each rank had counted in that epoch, by rank; one entry for each rank of the run.
  public var counts: [TrainingCounts]
  /// How the gradient was cut for its sums over the ranks.
  public var bucketLayout: String
  /// What the run's mathematics depend on, in order.
  public var settings: [(key: String, value: String)]
  /// How rank 0 computed, in order; empty where an earlier program saved it.
  public var machine: [(key: String, value: String)]
  /// Parameters and running statistics.
  public var model: StateDict
  /// What the classifier's optimizer remembers, SGD's velocity: [parameters], or a multiple.
  public var velocity: [Float]
  /// Steps that the classifier's optimizer has begun; 0 where an earlier program saved it.
  public var optimizerSteps = 0
  /// The other learners, in the order of the step.
  public var learners: [LearnerState] = []
  /// The rows of the run's frame.
  public var rows: [[AttackDataFrame.Value]]
  /// The mean losses of the finished epochs; empty where the learning rate does not follow them.
  public var losses: [Double] = []

  private static let format = "fst checkpoint"
  private static let version: Int64 = 2

  /// The state of a run of `counts.count` ranks, `samples` images into the epoch after `epochs`.
  public init(
    epochs: Int, samples: Int, counts: [TrainingCounts], bucketLayout: String,
    settings: [(key: String, value: String)], machine: [(key: String, value: String)] = [],
    model: StateDict, velocity: [Float], rows: [[AttackDataFrame.Value]]
  ) {
    self.epochs = epochs
    self.samples = samples
    self.counts = counts
    self.bucketLayout = bucketLayout
    self.settings = settings
    self.machine = machine
    self.model = model
    self.velocity = velocity
    self.rows = rows
  }

  /// Writes the checkpoint to `path` atomically.
  public func write(to path: String) throws {
    let velocity = TorchTensor(shape: [velocity.count], values: .float32(velocity))
    try TorchArchive.write(
      .dictionary(
        [
          .init("format", .string(Self.format)),
          .init("version", .int(Self.version)),
          .init("checksum", .string(checksum)),
          .init("epochs", .int(Int64(epochs))),
          .init("samples", .int(Int64(samples))),
          .init("world_size", .int(Int64(counts.count))),
          .init("bucket_layout", .string(bucketLayout)),
          .init("settings", .dictionary(settings.map { .init($0.key, .string($0.value)) })),
          .init("machine", .dictionary(machine.map { .init($0.key, .string($0.value)) })),
          .init("settings_hash", .string(String(Checksum.of("\(settings)"), radix: 16))),
          .init("counts", .list(counts.map { .list($0.words.map { .int($0) }) })),
          .init("model", model.archived),
          .init("velocity", .tensor(velocity)),
          .init("rows", .list(rows.map { .list($0.map(Self.archived)) })),
          .init("optimizer_steps", .int(Int64(optimizerSteps))),
          .init("learners", .list(learners.map(\.archived))),
        ] + (losses.isEmpty ? [] : [.init("losses", .list(losses.map { .float($0) }))])), to: path)
  }

  /// Reads the checkpoint at `path`.
  /// - Throws: `ArchiveError` or `CheckpointError`, one line.
  public static func read(path: String) throws -> Checkpoint {
    let value = try TorchArchive.read(path: path)
    guard value["format"]?.text == format, value["version"]?.integer == Int(version),
      let checksum = value["checksum"]?.text, let epochs = value["epochs"]?.integer,
      let samples = value["samples"]?.integer, let layout = value["bucket_layout"]?.text,
      let settings = value["settings"]?.entries, let model = value["model"],
      case .tensor(let tensor)? = value["velocity"], let velocity = tensor.floats,
      let rows = value["rows"]?.items, let counts = value["counts"]?.items, !counts.isEmpty
    else { throw CheckpointError.notACheckpoint(path: path) }
    var checkpoint = Checkpoint(
      epochs: epochs, samples: samples, counts: try counts.map { try Self.counts($0, path) },
      bucketLayout: layout, settings: Self.texts(settings),
      machine: Self.texts(value["machine"]?.entries ?? []),
      model: try StateDict(model, file: path, place: "model"), velocity: velocity,
      rows: try rows.map { try Self.row($0, path) })
    checkpoint.optimizerSteps = value["optimizer_steps"]?.integer ?? 0
    checkpoint.losses = (value["losses"]?.items ?? []).map { $0.number ?? .nan }
    checkpoint.learners = try (value["learners"]?.items ?? []).map {
      guard let learner = try LearnerState($0, path: path) else {
        throw CheckpointError.notACheckpoint(path: path)
      }
      return learner
    }
    guard checkpoint.checksum == checksum else { throw CheckpointError.altered(path: path) }
    try checkpoint.requireSense(path: path)
    return checkpoint
  }

  /// Throws unless every setting is that of the run of `identity`; `path` is named in the message.
  public func requireSettings(of identity: RunIdentity, path: String) throws {
    let known = Dictionary(settings.map { ($0.key, $0.value) }) { first, _ in first }
    for (key, value) in identity.settings {
      let saved = known[key] ?? identity.defaults[key]
      guard saved != value else { continue }
      throw CheckpointError.settingDiffers(
        path: path, key: key, saved: saved ?? "not known", now: value)
    }
  }

  /// A checksum of all that is in here, in hexadecimal: what the zip container does not insist on.
  var checksum: String {
    let numbers = rows.map { $0.map { $0.number.bitPattern } }
    let text = "\(epochs) \(samples) \(bucketLayout) \(settings) \(counts.map(\.words)) \(numbers)"
    var sums = [Checksum.of(text)]
    if !machine.isEmpty { sums.append(Checksum.of("\(machine)")) }
    sums += model.checksums
    sums.append(velocity.withUnsafeBytes(Checksum.of))
    if optimizerSteps != 0 { sums.append(UInt64(bitPattern: Int64(optimizerSteps))) }
    sums += losses.map(\.bitPattern)
    for learner in learners {
      sums.append(Checksum.of("\(learner.name) \(learner.optimizerSteps)"))
      sums += learner.model.checksums
      sums.append(learner.memory.withUnsafeBytes(Checksum.of))
    }
    return String(sums.withUnsafeBytes(Checksum.of), radix: 16)
  }

  private static func texts(_ entries: [PickleValue.Entry]) -> [(key: String, value: String)] {
    entries.map { ($0.key.text ?? "", $0.value.text ?? "") }
  }

  private static func counts(_ value: PickleValue, _ path: String) throws -> TrainingCounts {
    let words = (value.items ?? []).prefix(16).compactMap { $0.integer.map { Int64($0) } }
    guard let counts = TrainingCounts(words: words) else {
      throw CheckpointError.impossible(
        path: path,
        problem: "counts: expected eleven numbers, the first ten 0 to 2^40, found \(words)")
    }
    return counts
  }

  private static func row(_ value: PickleValue, _ path: String) throws -> [AttackDataFrame.Value] {
    let cells = value.items ?? []
    let known = [
      AttackDataFrame.attackColumns, AttackDataFrame.crossColumns,
      AttackDataFrame.fineTuningColumns,
    ]
    guard known.contains(where: { $0.count == cells.count }) else {
      throw CheckpointError.impossible(
        path: path, problem: "rows: expected a value for each column, found \(cells.count)")
    }
    return cells.map(Self.value)
  }

  private static func archived(_ value: AttackDataFrame.Value) -> PickleValue {
    switch value {
    case .count(let count): .int(Int64(count))
    case .number(let number): .float(number)
    }
  }

  private static func value(_ value: PickleValue) -> AttackDataFrame.Value {
    if case .int(let count) = value { return .count(Int(count)) }
    return .number(value.number ?? .nan)
  }
}

extension LearnerState {
  fileprivate var archived: PickleValue {
    .dictionary([
      .init("name", .string(name)), .init("model", model.archived),
      .init("memory", .tensor(TorchTensor(shape: [memory.count], values: .float32(memory)))),
      .init("steps", .int(Int64(optimizerSteps))),
    ])
  }

  /// The learner in the checkpoint at `path`; nil where `value` is none.
  fileprivate init?(_ value: PickleValue, path: String) throws {
    guard let name = value["name"]?.text, let model = value["model"],
      case .tensor(let tensor)? = value["memory"], let memory = tensor.floats,
      let steps = value["steps"]?.integer
    else { return nil }
    self.init(
      name: name, model: try StateDict(model, file: path, place: "learners \(name)"),
      memory: memory, optimizerSteps: steps)
  }
}

extension StateDict {
  /// Checksums of each entry's name and shape, and of its values.
  fileprivate var checksums: [UInt64] {
    entries.flatMap { entry in
      let values =
        switch entry.values {
        case .float32(let values): values.withUnsafeBytes(Checksum.of)
        case .int64(let values): values.withUnsafeBytes(Checksum.of)
        }
      return [Checksum.of("\(entry.name) \(entry.shape)"), values]
    }
  }
}
