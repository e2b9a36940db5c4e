import Distributed

/// What a checkpoint cannot be used for.
public enum CheckpointError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file is an archive, but no checkpoint of this program.
  case notACheckpoint(path: String)
  /// The run that saved it had another setting.
  case settingDiffers(path: String, key: String, saved: String, now: String)

  /// One line: the file, what was expected and found.
  public var description: String {
    switch self {
    case .notACheckpoint(let path):
      "\(path): expected a checkpoint of fst, found another archive"
    case .settingDiffers(let path, "data", _, _):
      "\(path): cannot resume: the images, labels or triggers are not those of the interrupted run; "
        + "give it the same data and trigger settings, or start anew without --resume"
    case .settingDiffers(let path, let key, let saved, let now):
      "\(path): cannot resume: \(key) was \(saved) and is \(now) now; "
        + "give the earlier value, or start anew without --resume"
    }
  }
}

/// A training run as it stands after an epoch: enough to go on with the same bits.
///
/// A torch archive too: a dict of format, version, epochs, settings, model (state_dict), momentum
/// (one float for each parameter, in this program's own order) and the rows of attack_df.csv so
/// far. Every random draw is keyed by epoch and image, so that no generator's state belongs to it.
public struct Checkpoint: Sendable {
  /// Epochs finished.
  public var epochs: Int
  /// What the run's mathematics depend on, in order.
  public var settings: [(key: String, value: String)]
  /// Parameters and running statistics.
  public var model: StateDict
  /// SGD's velocity: [parameters].
  public var velocity: [Float]
  /// The rows of attack_df.csv.
  public var rows: [[AttackDataFrame.Value]]

  private static let format = "fst checkpoint"

  /// The state of a run after `epochs` epochs.
  public init(
    epochs: Int, settings: [(key: String, value: String)], model: StateDict, velocity: [Float],
    rows: [[AttackDataFrame.Value]]
  ) {
    self.epochs = epochs
    self.settings = settings
    self.model = model
    self.velocity = velocity
    self.rows = rows
  }

  /// Writes the checkpoint to `path` atomically.
  public func write(to path: String) throws {
    let velocity = TorchTensor(shape: [velocity.count], values: .float32(velocity))
    try TorchArchive.write(
      .dictionary([
        .init("format", .string(Self.format)),
        .init("version", .int(1)),
        .init("epochs", .int(Int64(epochs))),
        .init("settings", .dictionary(settings.map { .init($0.key, .string($0.value)) })),
        .init("model", model.archived),
        .init("velocity", .tensor(velocity)),
        .init("rows", .list(rows.map { .list($0.map(Self.archived)) })),
      ]), to: path)
  }

  /// Reads the checkpoint at `path`.
  /// - Throws: `ArchiveError` or `CheckpointError`, one line.
  public static func read(path: String) throws -> Checkpoint {
    let value = try TorchArchive.read(path: path)
    guard value["format"]?.text == format, value["version"]?.integer == 1,
      let epochs = value["epochs"]?.integer, let settings = value["settings"]?.entries,
      let model = value["model"], case .tensor(let tensor)? = value["velocity"],
      let velocity = tensor.floats, let rows = value["rows"]?.items
    else { throw CheckpointError.notACheckpoint(path: path) }
    return Checkpoint(
      epochs: epochs,
      settings: settings.map { ($0.key.text ?? "", $0.value.text ?? "") },
      model: try StateDict(model, file: path, place: "model"), velocity: velocity,
      rows: rows.map { ($0.items ?? []).map(Self.value) })
  }

  /// Throws unless every setting has the value it has `now`; `path` is named in the message.
  public func requireSettings(_ now: [(key: String, value: String)], path: String) throws {
    let saved = Dictionary(settings.map { ($0.key, $0.value) }) { first, _ in first }
    for (key, value) in now where saved[key] != value {
      throw CheckpointError.settingDiffers(
        path: path, key: key, saved: saved[key] ?? "not known", now: value)
    }
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
