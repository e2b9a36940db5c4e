import Core
import Foundation

/// A reader of files that come from elsewhere, as a function of a file's bytes.
///
/// Each has to come to a value or an error for any bytes, soon and with little memory; fuzzing and
/// the regression test only look at whether it does.
public enum FuzzTarget: String, CaseIterable, Sendable {
  /// Any archive, by `fst inspect`'s tree and by what evaluates and tunes it.
  case archive
  /// A pickle inside a sound archive, whose checksums would hide it from mutations.
  case pickle
  /// A file of the safetensors library, and which network its tensors make.
  case safetensors
  /// A pickle in the place of a checkpoint's.
  case checkpoint
  /// A pickle in the place of a run's settings.
  case info
  /// A numpy array: masks and patches.
  case npy
  /// The table of a run's epochs.
  case csv
  /// Settings of attacks and tunings.
  case yaml
  /// The plan of an experiment.
  case plan
  /// A picture of any format.
  case image

  /// Reads `bytes`, by way of a file at `path`; what comes of it, in a word.
  @discardableResult
  public func run(_ bytes: [UInt8], at path: String) -> Outcome {
    do {
      try Data(content(bytes)).write(to: URL(fileURLWithPath: path))
      try read(path)
      return .value
    } catch {
      return .error("\(error)")
    }
  }

  /// What a reader came to.
  public enum Outcome: Equatable, Sendable {
    /// The file holds something that can be used.
    case value
    /// It does not; the message.
    case error(String)
  }

  private func content(_ bytes: [UInt8]) -> [UInt8] {
    switch self {
    case .pickle, .checkpoint, .info: StoredZip.archive(pickle: bytes)
    case .archive, .safetensors, .npy, .csv, .yaml, .plan, .image: bytes
    }
  }

  private func read(_ path: String) throws {
    switch self {
    case .archive, .pickle: try Self.readArchive(path)
    case .safetensors: try Self.readModel(path)
    case .checkpoint: _ = try Checkpoint.read(path: path)
    case .info: _ = try InfoFile.read(path: path)
    case .npy: _ = try NumpyFile.read(path)
    case .csv: _ = try AttackDataFrame.read(path: path)
    case .yaml:
      _ = try ConfigDecoder.attack(.badnet, flags: [], attackYAML: path, prototypeYAML: nil)
      _ = try ConfigDecoder.tune(flags: [], attackYAML: path, prototypeYAML: nil)
    case .plan: _ = try ConfigDecoder.sweep(plan: path, flags: [])
    case .image: _ = try ImageFile.read(path)
    }
  }

  private static func readModel(_ path: String) throws {
    let model = try DefenseResult.read(path: path).model
    let shapes = Dictionary(model.entries.map { ($0.name, $0.shape) }) { first, _ in first }
    let (network, names) = try NetworkKind.recognize(shapes, head: nil)
    _ = names.own(model, of: network)
  }

  /// Every way in which commands read an archive; the first error is the one that counts.
  private static func readArchive(_ path: String) throws {
    let readers: [() throws -> Void] = [
      { _ = try ArchiveTree.read(path: path, showsValues: true).text },
      { _ = try AttackResult.read(path: path) },
      { _ = try DefenseResult.read(path: path) },
    ]
    var first: (any Error)?
    for read in readers {
      do { try read() } catch { first = first ?? error }
    }
    if let first { throw first }
  }
}
