import Foundation

/// A torch archive beside `attack_result.pt` with what an attack's trigger is made from.
struct SideFile {
  private let path: String
  private let value: PickleValue

  /// Reads the file at `path`; throws `ArchiveError`.
  init(_ path: String) throws {
    self.path = path
    value = try TorchArchive.read(path: path)
  }

  /// The file `name` in `folder`; nil where there is none.
  static func path(_ name: String, in folder: String?) -> String? {
    guard let folder else { return nil }
    let path = "\(folder)/\(name)"
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }

  /// Writes a dictionary of `entries` to `path`, atomically.
  static func write(_ entries: [(String, PickleValue)], to path: String) throws {
    try TorchArchive.write(.dictionary(entries.map { .init($0.0, $0.1) }), to: path)
  }

  /// The finite floats of the tensor `name`, which has `shape`.
  func floats(_ name: String, shape: [Int]) throws -> [Float] {
    let expected = "finite floats of \(shape)"
    guard case .tensor(let tensor)? = value[name] else {
      throw unexpected(name, expected, value[name]?.typeName ?? "nothing")
    }
    guard tensor.shape == shape, let floats = tensor.floats else {
      throw unexpected(name, expected, "\(tensor.type.rawValue) of \(tensor.shape)")
    }
    guard floats.allSatisfy(\.isFinite) else { throw unexpected(name, expected, "others") }
    return floats
  }

  /// Loads the state_dict `name` into `store`.
  func load(_ name: String, into store: ParameterStore) throws {
    guard let entry = value[name] else { throw unexpected(name, "a state_dict", "nothing") }
    let state = try StateDict(entry, file: path, place: name)
    if let problem = state.problem { throw unexpected(name, "a network's state", problem) }
    do {
      try store.load(state)
    } catch let mismatch as StateDictMismatch {
      throw unexpected(name, "this attack's network", mismatch.description)
    }
  }

  private func unexpected(_ name: String, _ expected: String, _ found: String) -> ArchiveError {
    .unexpected(file: path, place: name, expected: expected, found: found)
  }
}

/// A trigger that cannot be applied anew, since the file that keeps it is not there.
package enum SideFileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file of an attack is in no folder that is known.
  case absent(attack: String, file: String, folder: String?)

  /// One line: which file was expected where.
  package var description: String {
    switch self {
    case .absent(let attack, let file, let folder):
      "\(attack): expected \(file) beside the run's attack_result.pt, found none in "
        + (folder ?? "any run's folder that is known")
        + ": each run makes a trigger of its own"
    }
  }
}
