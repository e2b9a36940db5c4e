/// What makes a run that is gone on with the same run, taken from the tables of fields.
///
/// See `SettingRole`: a new key is part of it unless it is told to be something else.
public struct RunIdentity: Sendable {
  /// The settings of the run's mathematics, in order; a checkpoint of others is refused.
  public var settings: [(key: String, value: String)]
  /// What stands for a key that the program did not know when it saved a checkpoint.
  public var defaults: [String: String] = [:]
  /// How rank 0 computes, in order; a difference shows in last bits and is told.
  public var machine: [(key: String, value: String)] = []

  /// The identity of these settings alone.
  public init(settings: [(key: String, value: String)]) { self.settings = settings }
}
