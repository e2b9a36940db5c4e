/// A state_dict that does not fit the model it is loaded into.
public struct StateDictMismatch: Error, Equatable, Sendable, CustomStringConvertible {
  /// One line: the entry, what was expected and found.
  public let description: String
}
