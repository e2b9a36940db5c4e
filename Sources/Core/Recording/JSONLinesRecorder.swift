import Foundation
import Synchronization

/// Writes a run's events as JSON, one object a line, for pandas and its like.
///
/// Each line has `event`, `time` and `run`, the moment at which the run began. An end and a beginning
/// are lines too: a file may hold several runs, one after the other.
public final class JSONLinesRecorder: TrainingObserver {
  private struct State {
    /// Nil once writing has failed.
    var write: (@Sendable (String) throws -> Void)?
    var lastEpoch = 0
  }

  private let state: Mutex<State>
  private let run: String
  private let warn: @Sendable (String) -> Void

  /// A recorder whose lines go to `write`, with the line that says what runs.
  ///
  /// Throws what writing that line does. What cannot be written later is not worth a run: `warn` is
  /// told once.
  public init(
    version: String, command: [String], ranks: Int, warn: @escaping @Sendable (String) -> Void,
    write: @escaping @Sendable (String) throws -> Void
  ) throws {
    state = Mutex(State(write: write))
    run = Self.time(Date())
    self.warn = warn
    let words = command.map(JSONText.string).joined(separator: ",")
    try write(
      text(
        "start",
        [("version", JSONText.string(version)), ("command", "[\(words)]"), ("ranks", "\(ranks)")]))
  }

  /// A recorder that adds to the file at `path`, or makes it; throws `FileError` or
  /// `OccupiedPlace`.
  public convenience init(
    path: String, version: String, command: [String], ranks: Int,
    warn: @escaping @Sendable (String) -> Void
  ) throws {
    try JSONPlace.require(path)
    let file = try GrowingFile(path)
    try self.init(version: version, command: command, ranks: ranks, warn: warn) {
      try file.append(Array($0.utf8))
    }
  }

  /// Takes note of `event`.
  public func observe(_ event: TrainingEvent) {
    state.withLock { state in
      switch event {
      case .message(let text): line("message", [("text", JSONText.string(text))], &state)
      case .warning(let text): line("warning", [("text", JSONText.string(text))], &state)
      default: if let scalars = RunScalars(event) { line(scalars, of: event, &state) }
      }
    }
  }

  /// Writes the last line: how the run ended.
  public func finish(_ outcome: String, seconds: Double) {
    state.withLock {
      line(
        "end",
        [("outcome", JSONText.string(outcome)), ("seconds", JSONText.number(seconds))], &$0)
    }
  }

  private func line(_ scalars: RunScalars, of event: TrainingEvent, _ state: inout State) {
    if scalars.kind == .epoch { state.lastEpoch = scalars.epoch ?? 0 }
    var fields: [(String, String)] = []
    if !scalars.phase.isEmpty { fields.append(("phase", JSONText.string(scalars.phase))) }
    if case .measured(_, let moment) = event {
      fields.append(("moment", JSONText.string(moment.rawValue)))
    }
    fields.append(("epoch", "\(scalars.epoch ?? state.lastEpoch)"))
    if let step = scalars.step { fields.append(("step", "\(step)")) }
    fields += scalars.values.map { ($0.name, JSONText.number($0.value)) }
    line(scalars.kind.rawValue, fields, &state)
  }

  private func line(_ event: String, _ fields: [(String, String)], _ state: inout State) {
    do {
      try state.write?(text(event, fields))
    } catch {
      state.write = nil
      warn("\(error); nothing more is recorded there")
    }
  }

  private func text(_ event: String, _ fields: [(String, String)]) -> String {
    let all =
      [
        ("event", JSONText.string(event)), ("time", JSONText.string(Self.time(Date()))),
        ("run", JSONText.string(run)),
      ] + fields
    return "{" + all.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}\n"
  }

  private static func time(_ date: Date) -> String {
    date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
  }
}

/// Values as JSON writes them.
private enum JSONText {
  /// A finite number; what is none is null.
  static func number(_ value: Double) -> String { value.isFinite ? "\(value)" : "null" }

  static func string(_ text: String) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes]
    let bytes = (try? encoder.encode(text)) ?? Data("\"\"".utf8)
    return String(decoding: bytes, as: UTF8.self).printableJSON
  }
}
