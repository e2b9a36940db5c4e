import Distributed
import Foundation

/// What an attack has made from the data at hand, in a file that later runs use again.
///
/// It lies below the record's root, `<dataset>/<name>/`, called after all that it was made from:
/// another image, model or setting is another file.
struct MaterialFile {
  /// Where it lies.
  let path: String
  private let stage: AttackStage

  /// The file of `name` that `sources` determine, of the kind `ending` says.
  init(_ name: String, ending: String, of stage: AttackStage, madeFrom sources: [String]) {
    let key = String(Checksum.of(sources.joined(separator: "\n")), radix: 16)
    let configuration = stage.configuration
    path = "\(configuration.record)/\(configuration.dataset)/\(name)/\(key).\(ending)"
    self.stage = stage
  }

  /// What `read` reads of it on rank 0, else what `make` makes, which is kept there.
  ///
  /// All ranks call it, and `make` is called on all of them. A file that cannot be read is made anew.
  func bytes(
    of what: String, count: Int, read: (String) throws -> [UInt8], make: () throws -> [UInt8],
    write: ([UInt8], String) throws -> Void
  ) throws -> [UInt8] {
    var known: [UInt8] = []
    let isKnown = try stage.communicator.fromRankZero { () -> Bool in
      guard FileManager.default.fileExists(atPath: path) else { return false }
      do { known = try read(path) } catch {
        stage.stage.tell(.warning("\(error): made anew"))
      }
      return known.count == count
    }
    if isKnown {
      stage.stage.tell(.message("\(what): taken from an earlier run, \(path)"))
      return try stage.communicator.fromRankZero(bytes: known)
    }
    let made = try make()
    precondition(made.count == count, "\(made.count) bytes of \(what), not \(count)")
    try stage.communicator.onRankZero {
      do {
        try FileManager.default.createDirectory(
          atPath: PathText.folder(of: path), withIntermediateDirectories: true)
      } catch {
        throw ImageError.unwritable(path: path, reason: error.localizedDescription)
      }
      try write(made, path)
    }
    stage.stage.tell(.message("\(what): kept for later runs, \(path)"))
    return made
  }
}

extension ParameterStore {
  /// A text that stands for parameters and running statistics, bit by bit.
  var fingerprint: String {
    [values, buffers].map { String(Checksum.of(UnsafeRawBufferPointer($0.bytes)), radix: 16) }
      .joined(separator: " ")
  }
}
