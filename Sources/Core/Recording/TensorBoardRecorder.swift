import Foundation
import Synchronization

/// Writes a run's numbers and pictures for TensorBoard.
///
/// Tags are `step/<name>` over the steps since the run's beginning, `epoch/<name>` over epochs and
/// `images/<name>`; those of a training on the way, as that of a clean model, have its name before
/// them. All is on disk when an epoch ends, and after ten seconds within one.
public final class TensorBoardRecorder: TrainingObserver {
  private struct State {
    /// Nil once writing has failed.
    var file: TensorBoardFile?
    var lastFlush = ContinuousClock.now
    var lastEpoch = 0
  }

  private static let interval: Duration = .seconds(10)
  private let state: Mutex<State>
  private let phases: Set<String>
  private let warn: @Sendable (String) -> Void

  /// A recorder into a new file in `folder`; throws `FileError`.
  ///
  /// `phases` are the run's own trainings, whose tags bear no name. What cannot be written later on
  /// is not worth a run: `warn` is told once.
  public init(
    folder: String, phases: Set<String>, warn: @escaping @Sendable (String) -> Void
  ) throws {
    state = Mutex(State(file: try TensorBoardFile(in: folder)))
    (self.phases, self.warn) = (phases, warn)
  }

  /// Takes note of `event`.
  public func observe(_ event: TrainingEvent) {
    state.withLock { state in
      if case .picture(let picture) = event { return add(picture, to: &state) }
      guard let scalars = RunScalars(event) else { return }
      let isOwn = scalars.phase.isEmpty || phases.contains(scalars.phase)
      if isOwn, scalars.kind == .epoch { state.lastEpoch = scalars.epoch ?? 0 }
      let place = scalars.step ?? scalars.epoch ?? max(state.lastEpoch, 1)
      let prefix = (isOwn ? "" : Self.tag(scalars.phase) + "/") + scalars.kind.tag
      state.file?.append(
        TensorBoardEvent(
          time: Date().timeIntervalSince1970, step: place,
          .scalars(scalars.values.map { ("\(prefix)/\($0.name)", $0.value) })))
      flush(&state, isDue: scalars.kind != .step)
    }
  }

  /// Writes what waits.
  public func finish() { state.withLock { flush(&$0, isDue: true) } }

  private func add(_ picture: RunPicture, to state: inout State) {
    do {
      guard let file = state.file else { return }
      let image = try picture.draw()
      let png = try image.pixels.withUnsafeBufferPointer {
        try ImageFile.encodePNG($0, width: image.width, height: image.height, path: picture.name)
      }
      file.append(
        TensorBoardEvent(
          time: Date().timeIntervalSince1970, step: picture.epoch,
          .picture(
            tag: "images/\(Self.tag(picture.name))", png: png, width: image.width,
            height: image.height)))
      flush(&state, isDue: true)
    } catch {
      warn("no picture for TensorBoard: \(error)")
    }
  }

  private func flush(_ state: inout State, isDue: Bool) {
    guard isDue || .now - state.lastFlush >= Self.interval else { return }
    state.lastFlush = .now
    do {
      try state.file?.flush()
    } catch {
      state.file = nil
      warn("\(error); nothing more is recorded there")
    }
  }

  /// `name` as a part of a tag.
  private static func tag(_ name: String) -> String {
    name.replacing(", ", with: "_").replacing(" ", with: "_")
  }
}

extension RunScalars.Kind {
  /// What tags begin with: a test's numbers are those of the epoch that it follows.
  fileprivate var tag: String { self == .step ? "step" : "epoch" }
}
