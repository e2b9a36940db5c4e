/// What a setting decides, and with that who may differ in it.
///
/// The role stands in each key's entry of the table of fields, and no other list of keys does: ranks
/// compare the settings that they share, a sweep those that decide a run's result, a checkpoint
/// those of its mathematics, and a resumed run tells of those that round otherwise.
public enum SettingRole: CaseIterable, Sendable {
  /// What is computed, and from which images.
  case mathematics
  /// A file whose content goes into the images, which ranks and checkpoints compare themselves.
  case image
  /// How numbers are rounded: the same result but for last bits.
  case arithmetic
  /// The machine of one rank: as `arithmetic`, and each rank has its own.
  case machine
  /// Where a rank finds its copy of the data, whose content is compared by itself.
  case place
  /// What is written, read or watched by the run as a whole, and how often.
  case output
}

extension SettingRole {
  /// Whether all ranks of a run must have the same value; see Note [Start check] in Distributed.
  var isShared: Bool {
    switch self {
    case .mathematics, .arithmetic, .output: true
    case .image, .machine, .place: false
    }
  }

  /// Whether two runs of a sweep are one only where they agree in it.
  ///
  /// The number of ranks is no setting: what a run means does not change with it, though without
  /// `sync_bn` its bits do.
  package var isDecisive: Bool {
    switch self {
    case .mathematics, .image, .arithmetic: true
    case .machine, .place, .output: false
    }
  }

  /// Whether a resumed run says that it goes on with another value: last bits may differ.
  var isToldOnResume: Bool { self == .arithmetic || self == .machine }
}

extension ConfigField {
  /// The same key in another role than that of the mathematics, which a new key has unless told.
  package func role(_ role: SettingRole) -> Self {
    var field = self
    field.role = role
    return field
  }

  /// Whether a run of `attack` reads it; one of an attack that is not known may.
  package func concerns(_ attack: String?) -> Bool {
    attacks.isEmpty || attack.map { attacks.contains($0) } ?? true
  }
}
