import Foundation

/// Why an archive could not be read or written, as one line that names the file.
public enum ArchiveError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file could not be opened or read; `reason` is the system's text.
  case unreadable(file: String, reason: String)
  /// The file is no torch archive at all.
  case notAnArchive(file: String, found: String)
  /// A kind of archive that is known but not read; `remedy` says what would be.
  case unsupported(file: String, kind: String, remedy: String)
  /// The bytes contradict the format; `place` is a record or a byte offset.
  case damaged(file: String, place: String, problem: String)
  /// Well-formed, but asks for something that is refused: code, or more memory than is sane.
  case refused(file: String, place: String, problem: String)
  /// A readable value that is not what belongs at `place`.
  case unexpected(file: String, place: String, expected: String, found: String)

  /// One line: what is wrong, where, what was expected and what was found.
  public var description: String {
    // Whatever of the file's own words they quote.
    Self.quoted(line, limit: 800)
  }

  private var line: String {
    switch self {
    case .unreadable(let file, let reason):
      "cannot read \(Self.quoted(file)): \(reason)"
    case .notAnArchive(let file, let found):
      "\(Self.quoted(file)) is not a torch archive: it \(found)"
    case .unsupported(let file, let kind, let remedy):
      "\(Self.quoted(file)) is \(kind), which is not read: \(remedy)"
    case .damaged(let file, let place, let problem):
      "\(Self.quoted(file)) is damaged: \(place): \(problem)"
    case .refused(let file, let place, let problem):
      "\(Self.quoted(file)) is refused: \(place): \(problem)"
    case .unexpected(let file, let place, let expected, let found):
      "\(Self.quoted(file)): \(place): expected \(expected), found \(found)"
    }
  }

  /// `text` fit for one line of a message.
  public static func quoted(_ text: String, limit: Int = 200) -> String {
    text.quoted(limit: limit)
  }
}
